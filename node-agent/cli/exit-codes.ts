import type { ErrorCode } from '#protocol/errors.ts'

/** Exit codes of `muster`; scripts rely on them, so they are never renumbered. */
export const exitCodes = {
  done: 0,
  jobFailed: 1,
  usage: 2,
  agentNotReachable: 3,
  refused: 4,
  notFound: 5,
  broken: 6,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** For help and `docs/cli.md`. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.done, 'done'],
  [
    exitCodes.jobFailed,
    'the watched job failed or was canceled (`job watch`, `job submit --watch`), or `job try` met a failure',
  ],
  [exitCodes.usage, 'the command line is wrong'],
  [exitCodes.agentNotReachable, 'no agent runs in this home, or it does not answer'],
  [exitCodes.refused, 'refused, or the input is not valid'],
  [
    exitCodes.notFound,
    'there is no such job, run, model, dataset, datastore, pool, experiment, schedule, member or invitation',
  ],
  [exitCodes.broken, 'something broke in the agent or on this machine; the log says more'],
  [exitCodes.interrupted, 'interrupted by Ctrl-C'],
]

const ofCode: Partial<Record<ErrorCode, ExitCode>> = {
  AgentNotRunning: exitCodes.agentNotReachable,
  AgentUnreachable: exitCodes.agentNotReachable,
  Unauthorized: exitCodes.agentNotReachable,
  TimedOut: exitCodes.agentNotReachable,
  InvitationUnknown: exitCodes.notFound,
  MemberUnknown: exitCodes.notFound,
  ModelUnknown: exitCodes.notFound,
  JobUnknown: exitCodes.notFound,
  DataUnknown: exitCodes.notFound,
  BlobMissing: exitCodes.notFound,
  NotFound: exitCodes.notFound,
  StoreBroken: exitCodes.broken,
  DiskFull: exitCodes.broken,
  ProcessDied: exitCodes.broken,
  BlobCorrupt: exitCodes.broken,
  Internal: exitCodes.broken,
}

/** Everything not named is a refusal: the agent is well, the request cannot be done. */
export const exitCodeOf = (code: ErrorCode): ExitCode => ofCode[code] ?? exitCodes.refused
