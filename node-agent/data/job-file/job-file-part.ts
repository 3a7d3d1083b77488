import { err } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { Fault } from './job-file-errors.ts'
import type { FieldPath } from './job-file-text.ts'

/** One part of a spec, or what is wrong with it. */
export type Part<T> = Result<T, Fault>

/** A path of a job file, made absolute; `at` is where it stands. */
export type ResolvePath = (path: string, at: FieldPath) => Part<string>

export const fault = (path: FieldPath, message: string): Part<never> =>
  err({ rank: 1, path, message })

export const missing = (field: string, allowed: string): Part<never> =>
  err({ rank: 2, path: [field], message: `"${field}" is missing: it must be ${allowed}` })
