import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { DoctorCheckView, SettingView, StoreWorkView } from '#protocol/control/care-views.ts'
import { checkSetting, settingRules, settingText } from '#protocol/spec/settings.ts'
import type { SettingName, SettingValue } from '#protocol/spec/settings.ts'
import { err, ok } from '#protocol/model/result.ts'

type SettingsHandlers = Pick<
  ControlHandlers,
  'settings' | 'changeSetting' | 'doctor' | 'storeWork' | 'startStoreWork'
>

/** Settings that are checked by the agent's own rules, and a machine whose port nobody reaches. */
export const settingsHandlers = (
  commands: { name: string; query: unknown; body: unknown }[],
): SettingsHandlers => {
  const set = new Map<string, SettingValue>([['slots', 2]])
  let work: StoreWorkView = { ...noWork }
  const viewOf = (key: SettingName): SettingView => {
    const { description, allowed, effect, fallback } = settingRules[key]
    const value = set.get(key) ?? fallback
    return {
      key,
      value,
      text: settingText(key, value),
      from: set.has(key) ? 'setting' : key === 'name' ? 'command-line' : 'default',
      default: settingText(key, fallback),
      allowed,
      description,
      effect,
      note: '',
    }
  }
  const keys = Object.keys(settingRules) as SettingName[]
  return {
    settings: async () => ok({ settings: keys.map(viewOf) }),
    changeSetting: async ({ body }) => {
      commands.push({ name: 'changeSetting', query: {}, body })
      if (body.value === null) set.delete(body.key)
      else {
        const checked = checkSetting(body.key, body.value)
        if (!checked.ok) return err(checked.error)
        set.set(body.key, checked.value)
      }
      return ok(viewOf(body.key as SettingName))
    },
    doctor: async () => ok({ level: 'fail' as const, running: true, checks: [...checks] }),
    storeWork: async () => {
      if (work.state === 'running') work = { ...work, state: 'done', done: 40, report: soundStore }
      return ok(work)
    },
    startStoreWork: async ({ body }) => {
      commands.push({ name: 'startStoreWork', query: {}, body })
      work = { ...noWork, kind: body.kind, state: 'running', phase: 'reading segments', total: 40 }
      return ok(work)
    },
  }
}

const noWork: StoreWorkView = {
  kind: 'none',
  state: 'idle',
  phase: '',
  done: 0,
  total: 0,
  report: null,
  error: '',
}

const soundStore: StoreWorkView['report'] = {
  sound: true,
  findings: [],
  notes: ['2 files are named by nothing in the ledger.'],
  bytes: 4_200_000,
  segments: 120,
  records: 9_800,
  blobs: { present: 31, bytes: 88_000_000, orphan: 2, missing: 0, corrupt: 0 },
  digestBefore: '',
  digestAfter: '',
}

const checks: readonly DoctorCheckView[] = [
  {
    id: 'agent',
    about: 'Agent',
    level: 'ok',
    message: 'Version 0.1.0 runs as process 4711.',
    advice: '',
    tried: [],
  },
  {
    id: 'port',
    about: 'Port',
    level: 'fail',
    message: 'The port answers at none of 2 addresses from here.',
    advice: 'Let the firewall pass TCP port 7432.',
    tried: [
      { address: '/ip4/192.0.2.7/tcp/7432', outcome: 'no answer' },
      { address: '/ip4/198.51.100.7/tcp/7432', outcome: 'no way there' },
    ],
  },
  {
    id: 'member',
    about: 'dora',
    level: 'warn',
    message: 'It was heard of 92 s ago.',
    advice: 'Switch it on, or remove it from the cluster if it is gone for good.',
    tried: [],
  },
]
