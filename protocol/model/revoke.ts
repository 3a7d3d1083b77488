/**
 * Why a head takes a lease away; travels as the `reason` of a revoke. `canceled` and `job-ended` stop a
 * running attempt at once, `another-attempt-counts` soon; `taken-back` concerns only what has not begun:
 * work under way goes on, and its result still counts if it is the first. `paused` stops what runs at once,
 * too, but what has run is still handed in.
 */
export type RevokeReason =
  'canceled' | 'job-ended' | 'another-attempt-counts' | 'taken-back' | 'paused'
