import type { RecordBody, RecordKind } from './record.ts'

/** Kinds whose bodies go when the job they speak of is forgotten: they hold names, or lead to rows. */
export const forgettableKinds = [
  'plan-chunk-written',
  'plan-failed',
  'committed',
  'charged',
  'mini-batches-halved',
  'job-closed',
  'job-sealed',
] as const satisfies readonly RecordKind[]

/** A body that goes when its job is forgotten. */
export type ForgettableBody = Extract<
  RecordBody,
  { readonly kind: (typeof forgettableKinds)[number] }
>

const forgettable: ReadonlySet<string> = new Set(forgettableKinds)

/** Whether a body goes when its job is forgotten. */
export const isForgettable = (body: RecordBody): body is ForgettableBody =>
  forgettable.has(body.kind)
