import type { JobSpec } from '#protocol/model/job.ts'
import { canonical, indifferent } from './reuse.ts'

/**
 * What decides how much memory a process of a job needs, as text: what it runs and how, whatever data it is
 * given. Jobs with equal texts need about the same.
 */
export const memoryKindText = (spec: JobSpec): string =>
  canonical(Object.fromEntries(Object.entries(spec).filter(([field]) => !indifferent.has(field))))
