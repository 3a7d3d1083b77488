import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { createBlobAudit } from '#agent/data/blobs/blob-audit.ts'
import { createBundler } from '#agent/bundle/bundler.ts'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { createChunks } from '#agent/data/blobs/chunks.ts'
import { createContentDigest } from '#agent/data/content-digest.ts'
import { createItemReader } from '#agent/data/items.ts'
import { createDataFolders } from '#agent/data/data-folders.ts'
import { createDownloads } from '#agent/data/blobs/downloads.ts'
import { createFolderWatch } from '#agent/data/folder-look.ts'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import { createLeavings } from '#agent/data/leavings.ts'
import {
  createModelFolder,
  createScriptFolder,
  createSideFolder,
} from '#agent/data/model-folder.ts'
import { createExports } from '#agent/data/output/exports.ts'
import { createProcessLogs } from '#agent/data/output/process-logs.ts'
import { createRunLogs } from '#agent/data/output/run-logs.ts'
import { createOutputWriter } from '#agent/data/output/output-writer.ts'
import { createPacks } from '#agent/data/blobs/packs.ts'
import { baseName, beside, folderOf } from '#agent/data/paths.ts'
import { createPlanReader } from '#agent/data/plan/plan-reader.ts'
import { createThreadedPreview } from '#agent/data/threaded-preview.ts'
import { createThreadedPlanner } from '#agent/data/plan/threaded-planner.ts'
import { createSameUser } from '#agent/data/same-user.ts'
import { createShares } from '#agent/data/shares.ts'
import { createHostProbe } from '#agent/host/probe.ts'
import { createHostSignals } from '#agent/host/host-signals.ts'
import { createLog } from '#agent/host/log.ts'
import { createSystemClock } from '#agent/host/system-clock.ts'
import { createSystemRandom } from '#agent/host/system-random.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { loadKeys } from '#agent/network/keys.ts'
import { newRecovery } from '#agent/network/recovery.ts'
import { createTransport } from '#agent/network/transport.ts'
import { wordsFor } from '#agent/network/words.ts'
import type { AgentOptions } from '#agent/ports/agent-options.ts'
import type { Blobs } from '#agent/ports/blobs.ts'
import type { Log } from '#agent/ports/log.ts'
import type { ModelRuntime } from '#agent/ports/runtime.ts'
import type { TransportIdentity } from '#agent/ports/transport.ts'
import type { Adapters } from '#agent/roles/adapters.ts'
import { createDeviceDesk } from '#agent/runtime/devices/desk.ts'
import { createModelRuntime } from '#agent/runtime/model-runtime.ts'
import { sweepScriptFolders, withScripts } from '#agent/runtime/script/script-runtime.ts'
import { createTimetable } from '#agent/schedule/timetable.ts'
import { lockHome } from '#agent/store/home-lock.ts'
import { openStore } from '#agent/store/store.ts'
import { agentVersion, pinnedNodeVersion } from '#agent/version.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/**
 * Opens everything of an agent that touches the world, in its home. What was opened is handed to `opened`,
 * which closes it in the opposite order, also when a later part fails.
 */
export const openAdapters = async (
  options: AgentOptions,
  opened: AsyncDisposableStack,
  identity: Omit<TransportIdentity, 'cluster'>,
): Promise<Result<Adapters, MusterError>> => {
  const { home } = options
  const lock = lockHome(home)
  if (!lock.ok) return lock
  opened.use(lock.value)
  const log = createLog(join(home, 'logs', 'agent.log'), options.logLevel)
  const loaded = await loadKeys(join(home, 'identity.key'))
  if (!loaded.ok) return loaded
  const { keys, privateKey, notice } = loaded.value
  if (notice !== undefined) log.warn(notice)
  const rules = createLedgerRules(keys)
  const store = await openStore({ folder: home, keys, log: log.child('store'), rules })
  if (!store.ok) return store
  opened.use(store.value)
  const { ledger, views } = store.value

  try {
    const blobs = createBlobs({ folder: join(home, 'blobs') })
    const transport = await createTransport({
      privateKey,
      identity: { ...identity, cluster: ledger.cluster },
      log: log.child('network'),
    })
    opened.use(transport)
    return ok({
      log,
      keys,
      ledger,
      views,
      blobs,
      ...openOwned(home, blobs),
      transport,
      runtime: openRuntime(home, log.child('runtime'), opened),
      planner: createThreadedPlanner(),
      planReader: createPlanReader({ blobs, planChunks: views.planChunks }),
      items: createItemReader(),
      contents: createContentDigest(),
      ...openMachine(options, keys.self),
      care: store.value.care,
      ...openOutputs(home, store.value.file, opened),
      jobFiles: createJobFileReader(),
      modelFolder: createModelFolder(join(home, 'models'), blobs),
      scriptFolder: createScriptFolder(join(home, 'scripts'), blobs),
      sideFolder: createSideFolder(join(home, 'side-inputs'), blobs),
      downloads: createDownloads(join(home, 'cache', 'downloads')),
      bundler: createBundler(),
      wordsFor,
      newRecovery,
    })
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    throw thrown
  }
}

/** Blobs that belong to one job, and the notes of which they are. */
const openOwned = (home: string, blobs: Blobs) => ({
  chunks: createChunks({
    blobs,
    notes: join(home, 'chunks'),
    recentBytes: limits.recentChunkBytes,
  }),
  packs: createPacks(join(home, 'packs'), blobs),
})

/** What writes rows and files of scripts (one thread for all of it), and the logs of runs. */
const openOutputs = (home: string, database: string, opened: AsyncDisposableStack) => {
  const thread = new URL('./output-thread.ts', import.meta.url)
  const writer = opened.use(createOutputWriter({ thread, database, blobs: join(home, 'blobs') }))
  const outputFolder = (job: JobId): string => join(home, 'outputs', job)
  return {
    writer,
    exports: createExports({ writer, folder: join(home, 'cache', 'exports') }),
    outputFolder,
    runLogs: createRunLogs(outputFolder),
    processLogs: createProcessLogs(join(home, 'logs', 'jobs')),
    leavings: createLeavings({
      outputs: join(home, 'outputs'),
      logs: join(home, 'logs', 'jobs'),
      sideInputs: join(home, 'side-inputs'),
    }),
  }
}

/** What is this machine's own: its time and chance, signals, proofs, shares, the doctor's probe. */
const openMachine = ({ home, pageFolder }: AgentOptions, self: PeerId) => ({
  clock: createSystemClock(),
  random: createSystemRandom(),
  host: createHostSignals(),
  sameUser: createSameUser({ home, self }),
  shares: createShares(),
  preview: createThreadedPreview(),
  folders: createDataFolders(join(home, 'datastore')),
  timetable: createTimetable(),
  folderWatch: createFolderWatch(),
  version: agentVersion,
  paths: { beside, baseName, folderOf },
  sha256: (text: string) => createHash('sha256').update(text).digest('hex'),
  probe: createHostProbe({ home, pageFolder, pinnedNode: pinnedNodeVersion }),
  blobAudit: createBlobAudit({ folder: join(home, 'blobs') }),
})

/** Declared jobs and entry scripts; their processes share the folder of compiled code and the devices. */
const openRuntime = (home: string, log: Log, opened: AsyncDisposableStack): ModelRuntime => {
  const cacheFolder = join(home, 'cache', 'code')
  sweepScriptFolders(home)
  const desk = createDeviceDesk({ log, cacheFile: join(home, 'cache', 'devices.json') })
  opened.use(desk)
  return withScripts(createModelRuntime({ log, cacheFolder, desk }), {
    log,
    home,
    cacheFolder,
    desk,
    allowed: true,
  })
}
