import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { SettingView, StoreWorkView } from '#protocol/control/care-views.ts'
import { musterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'

const slots: SettingView = {
  key: 'slots',
  value: 3,
  text: '3',
  from: 'setting',
  default: 'auto',
  allowed: '"auto" or a whole number from 0 to 1024',
  description: 'Worker processes at most',
  effect: 'now',
  note: '',
}

const idle: StoreWorkView = {
  kind: 'none',
  state: 'idle',
  phase: '',
  done: 0,
  total: 0,
  report: null,
  error: '',
}

/** What a small well agent answers about itself. */
export const careHandlers = {
  doctor: async () =>
    ok({
      level: 'ok' as const,
      running: true,
      checks: [
        {
          id: 'disk',
          about: 'Disk',
          level: 'ok' as const,
          message: '78.0 GB are free.',
          advice: '',
          tried: [],
        },
      ],
    }),
  settings: async () => ok({ settings: [slots] }),
  changeSetting: async ({ body }) =>
    body.key === 'slots'
      ? ok({ ...slots, text: String(body.value ?? 'auto') })
      : err(musterError('RequestInvalid', `"${body.key}" is no setting: there is slots.`)),
  storeWork: async () => ok(idle),
  startStoreWork: async () => ok(idle),
  loopDelay: async () => ok({ meanMs: 1, p50Ms: 1, p99Ms: 4, maxMs: 9, samples: 100 }),
} satisfies Partial<ControlHandlers>
