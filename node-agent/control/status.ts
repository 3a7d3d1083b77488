import type { ErrorCode, MusterError } from '#protocol/errors.ts'
import type { ErrorView } from '#protocol/control/views.ts'

/** HTTP status of each error, for programs that look no further than that. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  HomeNotWritable: 500,
  HomeInUse: 409,
  PortTaken: 409,
  StoreBroken: 500,
  DiskFull: 507,
  AgentNotRunning: 503,
  AgentUnreachable: 503,
  AlreadyInCluster: 409,
  NotInCluster: 409,
  InvitationMalformed: 400,
  InvitationUnknown: 404,
  InvitationUsed: 409,
  InvitationExpired: 409,
  NotAMember: 403,
  MemberUnknown: 404,
  LastAdmin: 409,
  RoleMissing: 403,
  PeerUnreachable: 503,
  PeerTooOld: 409,
  PeerTooNew: 409,
  OtherCluster: 409,
  ModelMissing: 400,
  ModelBroken: 400,
  ModelUnknown: 404,
  ModelRefused: 400,
  ModelTooLarge: 400,
  ModelMismatch: 400,
  ScriptMissing: 400,
  ScriptInvalid: 400,
  ScriptRefused: 409,
  JobFileMissing: 400,
  JobFileInvalid: 400,
  JobUnknown: 404,
  DataUnknown: 404,
  NameTaken: 409,
  JobEnded: 409,
  JobRunning: 409,
  JobForgotten: 410,
  NotOneJob: 409,
  InputEmpty: 400,
  InputMissing: 400,
  InputUnreadable: 400,
  OutputExists: 409,
  ItemUnreadable: 400,
  ItemChanged: 409,
  ItemTooLarge: 400,
  ProcessDied: 500,
  InitFailed: 500,
  BlobMissing: 404,
  BlobCorrupt: 500,
  FrameTooLarge: 413,
  MessageInvalid: 400,
  Full: 503,
  TimedOut: 504,
  Aborted: 503,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  RequestInvalid: 400,
  Internal: 500,
}

/** What a person or program outside may see of an error: everything but `detail`. */
export const viewOfError = (error: MusterError): ErrorView => ({
  code: error.code,
  message: error.message,
  retryable: error.retryable,
  ...(error.position === undefined ? {} : { position: { ...error.position } }),
})

/** An error as an HTTP answer; `status` only where the code alone does not tell it. */
export const errorAnswer = (error: MusterError, status = statusOf[error.code]): Response =>
  jsonAnswer(viewOfError(error), status)

export const jsonAnswer = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  })
