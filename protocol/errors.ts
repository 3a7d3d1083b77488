/**
 * Errors are tagged values until they reach a person. Each has a code that programs may rely on, one
 * sentence for people (what happened, to what, what to do), and whether trying again can help.
 */

/** Stable words for programs; what a person reads is the message. */
export type ErrorCode =
  // home and start
  | 'HomeNotWritable'
  | 'HomeInUse'
  | 'PortTaken'
  | 'StoreBroken'
  | 'DiskFull'
  | 'AgentNotRunning'
  | 'AgentUnreachable'
  // cluster
  | 'AlreadyInCluster'
  | 'NotInCluster'
  | 'InvitationMalformed'
  | 'InvitationUnknown'
  | 'InvitationUsed'
  | 'InvitationExpired'
  | 'NotAMember'
  | 'MemberUnknown'
  | 'LastAdmin'
  | 'RoleMissing'
  | 'PeerUnreachable'
  | 'PeerTooOld'
  | 'PeerTooNew'
  | 'OtherCluster'
  // model
  | 'ModelMissing'
  | 'ModelBroken'
  | 'ModelUnknown'
  | 'ModelRefused'
  | 'ModelTooLarge'
  | 'ModelMismatch'
  // script
  | 'ScriptMissing'
  | 'ScriptInvalid'
  | 'ScriptRefused'
  // job
  | 'JobFileMissing'
  | 'JobFileInvalid'
  | 'JobUnknown'
  | 'JobEnded'
  | 'JobRunning'
  | 'JobForgotten'
  | 'NotOneJob'
  | 'InputEmpty'
  | 'InputMissing'
  | 'InputUnreadable'
  | 'OutputExists'
  // registries
  | 'NameTaken'
  | 'DataUnknown'
  // items and running
  | 'ItemUnreadable'
  | 'ItemChanged'
  | 'ItemTooLarge'
  | 'ProcessDied'
  | 'InitFailed'
  // blobs and wire
  | 'BlobMissing'
  | 'BlobCorrupt'
  | 'FrameTooLarge'
  | 'MessageInvalid'
  | 'Full'
  | 'TimedOut'
  | 'Aborted'
  // control
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'RequestInvalid'
  | 'Internal'

/** A place in a text a person wrote; lines and columns count from 1. */
export interface TextPosition {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Why something could not be done: a value that is handed on until it reaches a person. */
export interface MusterError {
  readonly code: ErrorCode
  /** One sentence: what happened, to what, what to do. */
  readonly message: string
  /** Whether the same call can succeed later without anyone changing anything. */
  readonly retryable: boolean
  readonly position?: TextPosition
  /** For logs: the library's own words. Never shown alone. */
  readonly detail?: string
}

/** An error that cannot be retried, unless `extra` says so. */
export const musterError = (
  code: ErrorCode,
  message: string,
  extra: { retryable?: boolean; position?: TextPosition; detail?: string } = {},
): MusterError => ({
  code,
  message,
  retryable: extra.retryable ?? false,
  ...(extra.position === undefined ? {} : { position: extra.position }),
  ...(extra.detail === undefined ? {} : { detail: extra.detail }),
})

/** Carries a MusterError through code that can only throw, such as stream handlers. */
export class MusterFailure extends Error {
  override readonly name = 'MusterFailure'
  readonly error: MusterError
  constructor(error: MusterError) {
    super(error.message)
    this.error = error
  }
}

/** The words of anything thrown, for `detail`. */
export const thrownToText = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
