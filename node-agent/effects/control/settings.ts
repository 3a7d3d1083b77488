import type { Shares } from '#agent/ports/data.ts'
import type { Views } from '#agent/ports/views.ts'
import type { SettingView } from '#protocol/control/care-views.ts'
import type { MusterError } from '#protocol/errors.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import {
  checkSetting,
  ruleOf,
  settingRules,
  settingText,
  shareKey,
  shareOf,
  toSettings,
} from '#protocol/spec/settings.ts'
import type { SettingName, Settings, SettingValue } from '#protocol/spec/settings.ts'

/** The owner's settings of this agent, with what its command line says in front of them. */
export interface SettingsBook {
  /** What counts now; the same object until something changes. */
  readonly now: () => Settings
  readonly list: () => readonly SettingView[]
  /** Null takes a setting back to its default. Durable when it resolves. */
  readonly change: (
    key: string,
    value: SettingValue | null,
  ) => Promise<Result<SettingView, MusterError>>
  readonly onChange: (listener: (now: Settings, before: Settings) => void) => void
}

/** What the command line said; it wins over settings for the length of one run. */
export type GivenSettings = Partial<
  Pick<Settings, 'name' | 'slots' | 'inPlace' | 'scripts' | 'mdns'>
>

export interface SettingsDeps {
  readonly views: Pick<Views, 'setting' | 'setSetting'>
  readonly shares: Shares
  readonly given: GivenSettings
}

type Stored = Readonly<Record<string, SettingValue>>

/** Reads the settings of the last run. */
export const loadSettings = async (deps: SettingsDeps): Promise<SettingsBook> => {
  const { views, given } = deps
  let stored = ((await views.setting(place)) ?? {}) as Stored
  if (given.name !== undefined && stored['name'] !== given.name) {
    // A name given once is remembered: others know the machine by it.
    stored = { ...stored, name: given.name }
    await views.setSetting(place, stored)
  }
  let now: Settings = { ...toSettings(stored), ...given }
  const started = now
  const listeners: ((now: Settings, before: Settings) => void)[] = []
  const view = (key: string): SettingView => viewOf({ key, stored, now, started, given })

  return {
    now: () => now,
    list: () =>
      [...Object.keys(settingRules), ...Object.keys(now.shares).toSorted().map(shareKey)].map(view),
    change: async (key, value) => {
      const checked = value === null ? ruleOf(key) : await check(deps.shares, key, value)
      if (!checked.ok) return checked
      const others = Object.entries(stored).filter(([name]) => name !== key)
      const set = value === null ? [] : [[key, checked.value as SettingValue] as const]
      const next = Object.fromEntries([...others, ...set])
      await views.setSetting(place, next)
      stored = next
      const before = now
      now = { ...toSettings(stored), ...given }
      for (const listener of listeners) listener(now, before)
      return ok(view(key))
    },
    onChange: (listener) => void listeners.push(listener),
  }
}

/** Where the settings lie among the small values of this agent. */
const place = 'settings'

const check = async (
  shares: Shares,
  key: string,
  value: SettingValue,
): Promise<Result<SettingValue, MusterError>> => {
  const checked = checkSetting(key, value)
  const share = shareOf(key)
  if (!checked.ok || share === undefined) return checked
  const found = await shares.resolve(String(checked.value), { name: share, path: '' })
  return found.ok ? checked : found
}

interface Shown {
  readonly key: string
  readonly stored: Stored
  readonly now: Settings
  readonly started: Settings
  readonly given: GivenSettings
}

const fields = {
  name: 'name',
  slots: 'slots',
  tags: 'tags',
  rows: 'rows',
  'rows-quota': 'rowsQuota',
  'downloads-quota': 'downloadsQuota',
  'in-place': 'inPlace',
  scripts: 'scripts',
  mdns: 'mdns',
} as const satisfies Record<SettingName, keyof Settings>

const viewOf = ({ key, stored, now, started, given }: Shown): SettingView => {
  const rule = ruleOf(key)
  if (!rule.ok) throw new Error(rule.error.message)
  const field = fields[key as SettingName]
  const value = field === undefined ? (now.shares[shareOf(key) ?? ''] ?? '') : now[field]
  const isGiven = field !== undefined && (given as Partial<Settings>)[field] !== undefined
  const needsStart = rule.value.effect === 'next-start' && now[field] !== started[field]
  const overridden = isGiven && stored[key] !== undefined && stored[key] !== value
  return {
    key,
    value,
    text: settingText(key, value),
    from: isGiven ? 'command-line' : stored[key] === undefined ? 'default' : 'setting',
    default: settingText(key, rule.value.fallback),
    allowed: rule.value.allowed,
    description: rule.value.description,
    effect: rule.value.effect,
    note: overridden
      ? `The command line of this run says otherwise; the setting counts once the agent is started without that option.`
      : needsStart
        ? 'It takes effect when the agent is started again.'
        : '',
  }
}
