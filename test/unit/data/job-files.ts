import { expect } from 'vitest'
import type { JobFile } from '#agent/ports/job-file.ts'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'

export const file = '/jobs/digits/job.yaml'
export const reader = createJobFileReader()

/** The smallest job file; every test changes or adds a few lines. */
export const small = `name: digits
model: mnist
inputs:
  digits: ./images
preprocess:
  width: 28
  height: 28
`
export const nothing = {}
type Overrides = Readonly<Record<string, string | number | boolean>>

export const read = (text: string, overrides: Overrides = nothing): JobFile => {
  const result = reader.read(text, file, overrides)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** The spec of a job without a script. */
export const declared = ({ spec }: JobFile) => {
  if (spec.runtime !== 'onnx') throw new Error('the job has a script')
  return spec
}

/** `line:column message` of the error that a job file must give. */
export const errorOf = (text: string, overrides: Overrides = nothing): string => {
  const result = reader.read(text, file, overrides)
  if (result.ok) throw new Error('the job file was accepted')
  expect(result.error.code).toBe('JobFileInvalid')
  expect(result.error.message).toMatch(/[.?)]$/)
  expect(result.error.message).not.toContain('\n')
  const { position, message } = result.error
  if (position === undefined) return message
  expect(position.file).toBe(file)
  return `${position.line}:${position.column} ${message}`
}
