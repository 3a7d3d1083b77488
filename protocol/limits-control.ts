/** The part of `limits.ts` that is about the control API, the command line and the agent's own process. */

const kib = 1024
const mib = 1024 * kib
const second = 1000

/** Bounds of the control API and the window. */
export const controlLimits = {
  requestBodyBytes: 2 * mib,
  /** Deltas kept for a window that reconnects. */
  eventBacklog: 1_000,
  eventKeepAliveMs: 15 * second,
  /** Between two deltas about the same job: fast enough to feel live, slow enough to read. */
  deltaMs: 250,
  /** A one-time sign-in code of the window. */
  signInCodeMs: 60 * second,
  /** Sign-in codes open at once; the oldest is dropped. A person opens one window at a time. */
  openSignInCodes: 16,
  /** Signed-in browsers of one run of the agent; the oldest is signed out. */
  signIns: 64,
  /** Windows, CLI calls and SDK programs at once. */
  controlConnections: 256,
  /** Windows and watchers that follow deltas at once. */
  followers: 64,
  /** Deltas waiting for one slow reader; then it is dropped and may come back with its last event id. */
  followerBytes: 4 * mib,
  /** Requests under way get this long to end when the control server stops ... */
  controlDrainMs: 1 * second,
  /** ... and are aborted then, and this long after the stop their connections are cut. */
  controlCutMs: 1_200,
  /** Between two looks for idle connections while the control server stops. */
  controlIdleMs: 20,
  /** The whole of a request must arrive in this time: a job file is the largest. */
  requestArrivalMs: 30 * second,
  /** The CLI waits this long for one answer: registering a model hashes gigabytes. */
  cliCallMs: 600 * second,
  /** Somebody has pressed Tab: names that take longer are not offered. */
  completionMs: 5 * second,
  /** Newest jobs and runs that Tab offers: more are no choice. */
  completedJobs: 50,
  /** `muster stop` looks this often whether the agent is gone. */
  stopPollMs: 50,
  /** `job watch` looks for an agent that went away this long (it may be restarting) ... */
  watchReconnectMs: 30 * second,
  /** ... and asks this often. */
  watchRetryMs: 500,
  /** Rows of a table that `job results` prints unless told otherwise: a screen or two. */
  tableRows: 50,
  /** Between two progress lines where the output is no terminal. */
  progressLineMs: 5 * second,
  /** A signal repeated within this time is the echo of one key press: the launcher passes on what the terminal already sent us. */
  signalEchoMs: 500,
  /** The agent looks this often how busy its loop was ... */
  memoryLookMs: 2 * second,
  /** ... which above this share is work, and not heartbeats or somebody who looks at the page. */
  memoryBusyShare: 0.05,
  /** After this much work of the loop collecting is worth its 0.1 s ... */
  memoryWorkMs: 500,
  /** ... once this many looks in a row, a minute, found none; after the start one is enough. */
  memoryQuietLooks: 30,
  /** Clean shutdown before the agent goes anyway. */
  shutdownMs: 10 * second,
  failureGroups: 50,
  /** `doctor` waits this long for an address to answer: a LAN needs milliseconds. */
  knockMs: 2 * second,
  /** An fsync that takes longer makes every commit felt. */
  slowFsyncMs: 100,
  /** Free room of the home's disk below which `doctor` warns ... */
  diskLowBytes: 2 * 1024 * mib,
  /** ... and fails. */
  diskFullBytes: 256 * mib,
  /** Clocks that differ more show times of jobs that nobody understands. */
  clockSkewMs: 5 * second,
  /** The CLI asks this often how far a check of the store is. */
  storePollMs: 200,
  /** Jobs in the first screen; older ones are asked for. */
  snapshotJobs: 500,
} as const
