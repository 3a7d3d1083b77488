import { thrownToText } from '#protocol/errors.ts'
import type { ErrorCode } from '#protocol/errors.ts'

/**
 * What is wrong with a model, thrown while it is read and turned into an error where the file's name is
 * known. `reason` is a main clause without subject's name or full stop: `it has no graph`.
 */
export class ModelFault extends Error {
  override readonly name = 'ModelFault'
  readonly code: ErrorCode
  readonly detail: string | undefined
  constructor(code: ErrorCode, reason: string, detail?: string) {
    super(reason)
    this.code = code
    this.detail = detail
  }
}

export const modelFault = (code: ErrorCode, reason: string, thrown?: unknown): ModelFault =>
  new ModelFault(code, reason, thrown === undefined ? undefined : thrownToText(thrown))
