import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createBlobAudit } from '#agent/data/blob-audit.ts'
import { check, checkMachine, worst } from '#agent/effects/doctor-machine.ts'
import { runStoreWork } from '#agent/effects/store-work.ts'
import type { StoreWorkKind } from '#agent/effects/store-work.ts'
import { createLog } from '#agent/host/log.ts'
import { createHostProbe } from '#agent/host/probe.ts'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { loadKeys } from '#agent/network/keys.ts'
import { lockHome } from '#agent/store/home-lock.ts'
import { openStore } from '#agent/store/store.ts'
import { pinnedNodeVersion } from '#agent/version.ts'
import type { DoctorView, StoreReportView } from '#protocol/control/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
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
