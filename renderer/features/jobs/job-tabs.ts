const jobTabs = [
  'rows',
  'gallery',
  'map',
  'timeline',
  'peers',
  'failures',
  'logs',
  'configuration',
] as const

/** The parts of a job's page, as they stand in its address. */
export type JobTab = (typeof jobTabs)[number]

export const isJobTab = (value: unknown): value is JobTab =>
  (jobTabs as readonly unknown[]).includes(value)
