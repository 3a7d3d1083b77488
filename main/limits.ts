/** Times and sizes of the desktop shell, in milliseconds and characters, each with its reason. */
export const shellLimits = {
  /** The agent's ready line: a cold start on an old disk takes some seconds. */
  readyMs: 30_000,
  /** First wait before the agent is started again, doubling with each quick death ... */
  restartMs: 500,
  /** ... up to this: a broken disk or store does not heal by trying faster. */
  restartMostMs: 30_000,
  /** An agent that lived this long was well: the next wait starts from the first again. */
  healthyMs: 60_000,
  /** A clean stop before the agent is killed; the agent's own limit is 10 s. */
  stopMs: 12_000,
  /** One question to an agent on this machine. */
  askMs: 3_000,
  /** Between two looks at an agent that somebody else started. */
  watchMs: 5_000,
  /** The end of what a dying agent wrote, kept to say why. */
  errorTailLength: 4_096,
  /** A ready line is about 300 characters; a longer line is no ready line. */
  lineLength: 65_536,
} as const
