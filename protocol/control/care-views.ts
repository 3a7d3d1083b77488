import { z } from 'zod'
import { count, text } from './view-fields.ts'

/** Settings, doctor and store as the control API shows them. Frozen like the other views. */

export const settingView = z.object({
  key: text.describe('Such as `slots`, or `share.NAME`'),
  value: z.union([text, z.number(), z.boolean()]).describe('What counts now'),
  text: text.describe('The value as people write it'),
  from: z.enum(['default', 'setting', 'command-line']).describe('Where the value comes from'),
  default: text.describe('What counts if it is not set'),
  allowed: text,
  description: text,
  effect: z.enum(['now', 'next-start']).describe('When a change is felt'),
  note: text.describe('What else is to be known, such as a start that is needed; else empty'),
})
export type SettingView = z.infer<typeof settingView>

export const doctorCheckView = z.object({
  id: text.describe('Stable word for programs, such as `disk`'),
  about: text.describe('What was looked at; the name of the machine for members'),
  level: z.enum(['ok', 'warn', 'fail']),
  message: text.describe('What was found, in one sentence'),
  advice: text.describe('What to do, in one sentence; empty if nothing'),
  tried: z
    .array(z.object({ address: text, outcome: text }))
    .describe('Ways to another machine and what became of them; empty elsewhere'),
})
export type DoctorCheckView = z.infer<typeof doctorCheckView>

export const doctorView = z.object({
  level: z.enum(['ok', 'warn', 'fail']).describe('The worst of all checks'),
  running: z
    .boolean()
    .describe('Whether the agent runs; else only home, Node and disk are checked'),
  checks: z.array(doctorCheckView),
})
export type DoctorView = z.infer<typeof doctorView>

export const storeReportView = z.object({
  sound: z.boolean(),
  findings: z.array(text).describe('What is wrong, a sentence each; empty if nothing is'),
  notes: z.array(text).describe('What else was found, a sentence each'),
  bytes: count.describe('Size of the database'),
  segments: count.describe('Signed segments that were read'),
  records: count,
  blobs: z.object({
    present: count,
    bytes: count,
    orphan: count.describe('Named by nothing in the ledger'),
    missing: count.describe('Needed here and not there'),
    corrupt: count.describe('No longer what their name says'),
  }),
  digestBefore: text.describe('SHA-256 of the folded tables, hex; empty if it was not taken'),
  digestAfter: text.describe('The same after a rebuild'),
})
export type StoreReportView = z.infer<typeof storeReportView>

export const storeWorkView = z.object({
  kind: z.enum(['none', 'check', 'rebuild']),
  state: z.enum(['idle', 'running', 'done', 'failed']),
  phase: text.describe('What is being done, for people'),
  done: count,
  total: count.describe('0 while it is not known'),
  report: storeReportView.nullable(),
  error: text.describe('Why it failed; else empty'),
})
export type StoreWorkView = z.infer<typeof storeWorkView>

export const loopDelayView = z.object({
  meanMs: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  samples: count,
})
export type LoopDelayView = z.infer<typeof loopDelayView>
