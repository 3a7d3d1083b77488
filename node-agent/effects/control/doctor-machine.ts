import type { HostProbe } from '#agent/ports/host-probe.ts'
import type { DoctorCheckView } from '#protocol/control/care-views.ts'
import { limits } from '#protocol/limits.ts'

export type Level = DoctorCheckView['level']

/** One check of a room of the doctor. */
export const check = (
  id: string,
  about: string,
  [level, message, advice = '']: readonly [Level, string, string?],
): DoctorCheckView => ({ id, about, level, message, advice, tried: [] })

/** The worst of them. */
export const worst = (checks: readonly DoctorCheckView[]): Level =>
  checks.some(({ level }) => level === 'fail')
    ? 'fail'
    : checks.some(({ level }) => level === 'warn')
      ? 'warn'
      : 'ok'

/** What can be looked at without a running agent: home, disk, Node, page. */
export const checkMachine = async (
  probe: HostProbe,
  home: string,
): Promise<readonly DoctorCheckView[]> => [
  checkHome(home, await probe.fsyncMs()),
  checkDisk(home, await probe.freeBytes()),
  checkNode(probe),
  check(
    'page',
    'Window',
    (await probe.pageBuilt())
      ? ['ok', 'The window is built.']
      : [
          'warn',
          'The window is not built, so that `muster ui` shows nothing.',
          'Build it with `npm run build`.',
        ],
  ),
]

const checkHome = (home: string, fsyncMs: number | undefined): DoctorCheckView => {
  if (fsyncMs === undefined)
    return check('home', 'Home', [
      'fail',
      `The folder ${home} cannot be written.`,
      'Change its permissions, or choose another with --home.',
    ])
  const ms = fsyncMs < 10 ? fsyncMs.toFixed(1) : fsyncMs.toFixed(0)
  const found = `${home} can be written; the disk takes ${ms} ms to keep something for good.`
  if (fsyncMs < limits.slowFsyncMs) return check('home', 'Home', ['ok', found])
  return check('home', 'Home', [
    'warn',
    found,
    'Every commit waits that long: move the home to a faster disk, not to a network share.',
  ])
}

const checkDisk = (home: string, free: number | undefined): DoctorCheckView => {
  if (free === undefined)
    return check('disk', 'Disk', [
      'warn',
      `The system does not say how much is free on the disk of ${home}.`,
    ])
  const found = `${(free / 1e9).toFixed(1)} GB are free on the disk of ${home}.`
  if (free >= limits.diskLowBytes) return check('disk', 'Disk', ['ok', found])
  const level = free < limits.diskFullBytes ? 'fail' : 'warn'
  const advice = 'Free some space: the agent stops when nothing can be written any more.'
  return check('disk', 'Disk', [level, found, advice])
}

const checkNode = (probe: HostProbe): DoctorCheckView => {
  const { version, pinned } = probe.node()
  if (version === `v${pinned}`)
    return check('node', 'Node', ['ok', `It runs on Node ${version}, the pinned one.`])
  return check('node', 'Node', [
    'warn',
    `It runs on Node ${version}, not on the pinned ${pinned}, which alone is tested.`,
    'Start it with `bin/muster`, after `npm ci` could install the optional packages.',
  ])
}
