import { access } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createBlobAudit } from '#agent/data/blobs/blob-audit.ts'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import { check, checkMachine, worst } from '#agent/effects/control/doctor-machine.ts'
import { runStoreWork } from '#agent/effects/control/store-work.ts'
import type { StoreWorkKind } from '#agent/effects/control/store-work.ts'
import { createLog } from '#agent/host/log.ts'
import { createHostProbe } from '#agent/host/probe.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { loadKeys } from '#agent/network/keys.ts'
import { lockHome } from '#agent/store/home-lock.ts'
import { openOutputRows, toOutputError } from '#agent/store/output-rows.ts'
import type { OutputRows } from '#agent/store/output-rows.ts'
import { openStore } from '#agent/store/store.ts'
import { pinnedNodeVersion } from '#agent/version.ts'
import type { DoctorView, StoreReportView } from '#protocol/control/care-views.ts'
import type { ExportView } from '#protocol/control/job-views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Composition root of what can be done while the agent of a home does not run. */

const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

/** Home, disk, Node and window, and the word that no agent runs. */
export const examineOffline = async (home: string, pageFolder: string): Promise<DoctorView> => {
  const agent = check('agent', 'Agent', [
    'fail',
    `No agent runs in the home ${home}.`,
    'Start it with `muster agent`; only this machine was looked at.',
  ])
  if (!(await exists(home))) {
    const missing = check('home', 'Home', [
      'warn',
      `The folder ${home} is not there yet.`,
      'It is made when the agent starts; see that --home or MUSTER_HOME names the right one.',
    ])
    return { level: 'fail', running: false, checks: [agent, missing] }
  }
  const probe = createHostProbe({ home, pageFolder, pinnedNode: pinnedNodeVersion })
  const checks = [agent, ...(await checkMachine(probe, home))]
  return { level: worst(checks), running: false, checks }
}

export interface OfflineStoreWork {
  readonly home: string
  readonly kind: StoreWorkKind
  readonly tell: (phase: string, done: number, total: number) => void
  readonly signal: AbortSignal
}

/** Checks or rebuilds the store of a home whose agent does not run; the home is locked meanwhile. */
export const storeWorkOffline = async ({
  home,
  kind,
  tell,
  signal,
}: OfflineStoreWork): Promise<Result<StoreReportView, MusterError>> => {
  if (!(await exists(join(home, 'identity.key'))) || !(await exists(join(home, 'muster.db'))))
    return err(
      musterError(
        'NotFound',
        `There is no store in ${home}; see that --home or MUSTER_HOME names the right folder.`,
      ),
    )
  const lock = lockHome(home)
  if (!lock.ok) return lock
  using held = new DisposableStack()
  held.use(lock.value)
  const loaded = await loadKeys(join(home, 'identity.key'))
  if (!loaded.ok) return loaded
  const { keys } = loaded.value
  const store = await openStore({
    folder: home,
    keys,
    log: createLog(join(home, 'logs', 'agent.log'), 'warn').child('store'),
    rules: createLedgerRules(keys),
  })
  if (!store.ok) return store
  await using opened = store.value
  const { care, views, ledger } = opened
  const blobAudit = createBlobAudit({ folder: join(home, 'blobs') })
  const records = (): number => ledger.vector().length
  const deps = { care, blobAudit, views, now: Date.now, records }
  return ok(await runStoreWork(deps, kind, tell, signal))
}

export interface OfflineExport {
  /** Job id, or an unambiguous start of it. */
  readonly job: string
  readonly format: OutputFormat
  readonly head: number | undefined
  /** Absolute; its folder must be there. */
  readonly path: string
  readonly overwrite: boolean
}

/** Writes the rows of a job out of the store of a home whose agent does not run. */
export const exportOffline = async (
  home: string,
  wish: OfflineExport,
): Promise<Result<ExportView, MusterError>> => {
  const database = join(home, 'muster.db')
  if (!(await exists(database)))
    return err(
      musterError(
        'NotFound',
        `There is no store in ${home}; see that --home or MUSTER_HOME names the right folder.`,
      ),
    )
  const lock = lockHome(home)
  if (!lock.ok) return lock
  using held = new DisposableStack()
  held.use(lock.value)
  try {
    return exportOut(held.use(openOutputRows(database)), wish)
  } catch (thrown) {
    return err(toOutputError(database, thrown))
  }
}

const exportOut = (
  rows: OutputRows,
  { job, format, head = Infinity, path, overwrite }: OfflineExport,
): Result<ExportView, MusterError> => {
  const [id, other] = rows.findJobs(job)
  if (id === undefined || other !== undefined)
    return err(
      musterError(
        'JobUnknown',
        id === undefined
          ? `There is no job "${job}" in this home.`
          : `Several jobs start with "${job}"; give more of the id.`,
      ),
    )
  const place = { folder: dirname(path), fileName: basename(path), format } as const
  const present = overwrite ? 'replaced' : 'refused'
  const written = rows.reading(id, (state) =>
    writeRowFile({ ...place, present }, { values: () => firstOf(state.values(), head) }),
  )
  return written.ok ? ok({ ...written.value, elsewhere: rows.elsewhere(id) }) : written
}

function* firstOf(values: Iterable<string>, most: number): Generator<string> {
  let count = 0
  for (const value of values) {
    if (count >= most) return
    count += 1
    yield value
  }
}
