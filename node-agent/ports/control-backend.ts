import type { ExportedParts } from './exports.ts'
import type { AnswerOf, ApiName, ReadBodyOf, ReadQueryOf } from '#protocol/control/api.ts'
import type { DeltaView } from '#protocol/control/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { OutputFormat } from '#protocol/model/output.ts'
import type { Result } from '#protocol/model/result.ts'

/** One call of the control API, already authorised and checked against its schemas. */
export interface ControlRequest<Name extends ApiName> {
  /** Path and query fields. */
  readonly query: ReadQueryOf<Name>
  readonly body: ReadBodyOf<Name>
  /** Aborted when the asker hangs up or the server stops. */
  readonly signal: AbortSignal
}

/** Calls that the agent answers; the server itself hands out sign-in codes. */
export type BackendCall = Exclude<ApiName, 'signInCode'>

/** One function for each call. Thrown errors are logged and shown as `Internal`, without their words. */
export type ControlHandlers = {
  readonly [Name in BackendCall]: (
    request: ControlRequest<Name>,
  ) => Promise<Result<AnswerOf<Name>, MusterError>>
}

/** What the control server asks of the agent. */
export interface ControlBackend {
  readonly handlers: ControlHandlers
  /** The image of one item, for the window; `item` is its position in the plan. */
  readonly picture: (
    job: string,
    item: number,
    signal: AbortSignal,
  ) => Promise<Result<Picture, MusterError>>
  /** The image of a file of an input that no job has yet; `input` is what `previewData` takes. */
  readonly inputPicture: (
    input: unknown,
    name: string,
    signal: AbortSignal,
  ) => Promise<Result<Picture, MusterError>>
  /** Rows of a job as a file to save. */
  readonly download: (
    wish: {
      readonly job: string
      readonly format: OutputFormat
      readonly most: number | undefined
    },
    signal: AbortSignal,
  ) => Promise<Result<Download, MusterError>>
}

/** A file on its way to a reader. */
export interface Download extends ExportedParts {
  readonly fileName: string
}

/** `mediaType` is an image type such as `image/png`. */
export interface Picture {
  readonly bytes: Uint8Array
  readonly mediaType: string
}

/** A delta with its number since the start of the agent. */
export interface SequencedDelta {
  readonly sequence: number
  readonly delta: DeltaView
}

/** Changes since the snapshot, numbered without gaps. */
export interface DeltaSource {
  /** Number of the newest delta. */
  readonly sequence: () => number
  /** Deltas after `sequence`, oldest first; undefined if some of them are gone, or it is from another run. */
  readonly since: (sequence: number) => readonly SequencedDelta[] | undefined
  readonly on: (listener: (delta: SequencedDelta) => void) => Disposable
}
