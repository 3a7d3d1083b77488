import { limits } from '#protocol/limits.ts'

/** The limits this room obeys. Tests shorten some; everybody else takes `defaultBounds`. */
export interface Bounds {
  readonly answerMs: number
  readonly frameSilenceMs: number
  readonly dialMs: number
  readonly dialStaggerMs: number
  readonly openRequests: number
  readonly requestWaitMs: number
  readonly answerUnreadMs: number
  readonly outboxBytes: number
  readonly outboxMessages: number
  readonly undecodableMessages: number
  readonly strangerConnections: number
  readonly closeMs: number
}

export const defaultBounds: Bounds = limits
