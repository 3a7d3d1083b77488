import { z } from 'zod'
import { musterError } from '../errors.ts'
import type { MusterError } from '../errors.ts'
import { limits } from '../limits.ts'
import { err, ok } from '../model/result.ts'
import type { Result } from '../model/result.ts'
import { flag, whole, word } from './fields.ts'
import { shareNamePattern } from './inputs.ts'
import { suggest } from './suggest.ts'
import { formatSize, parseSize } from './units.ts'

/**
 * What the owner of one agent may set. Names, ranges, defaults and words for people stand here once:
 * the checks, `muster settings list` and `docs/settings.md` come from this table.
 */
export interface Settings {
  /** Name of this machine; empty: the host name. */
  readonly name: string
  readonly slots: number | 'auto'
  /** Words by which pools pick this machine, separated by commas. */
  readonly tags: string
  /** Whose rows are kept here besides those this agent collects. */
  readonly rows: 'all' | 'own' | 'none'
  /** Bytes of other agents' rows that are kept, newest jobs first. */
  readonly rowsQuota: number
  /** Bytes of inputs that jobs may have downloaded here at a time. */
  readonly downloadsQuota: number
  readonly inPlace: boolean
  /** Whether entry scripts of jobs may run on this machine. */
  readonly scripts: boolean
  readonly mdns: boolean
  /** Share name -> absolute folder on this machine. */
  readonly shares: Readonly<Record<string, string>>
}

export type SettingValue = string | number | boolean

/** When a change is felt. */
export type SettingEffect = 'now' | 'next-start'

export interface SettingRule {
  readonly description: string
  /** What is allowed, as the second half of an error. */
  readonly allowed: string
  readonly effect: SettingEffect
  readonly fallback: SettingValue
  readonly schema: z.ZodType<SettingValue>
}

const autoSlots = '"auto" or a whole number from 0 to 1024'
const quota = 'a size from 0 to 1000000GB, such as 500MB or 2GB'
const machineName = `text of 1 to ${limits.memberNameLength} characters on one line`

const tagWords = 'at most 64 words of at most 64 characters, separated by commas'

const size = z
  .union([z.int().min(0), z.string()], quota)
  .transform((value) => (typeof value === 'number' ? value : (parseSize(value)?.bytes ?? -1)))
  .pipe(
    z
      .int(quota)
      .min(0, quota)
      .max(1_000_000 * 1024 ** 3, quota),
  )

const onOff = z.union(
  [flag(), z.enum(['on', 'off'], 'on or off').transform((text) => text === 'on')],
  'on or off',
)

/** All settings but the shares, whose names the owner chooses. */
export const settingRules = {
  name: {
    description: 'Name of this machine, as others see it; the host name if it is not set',
    allowed: machineName,
    effect: 'now',
    fallback: '',
    schema: z
      .string(machineName)
      .trim()
      .min(1, machineName)
      .max(limits.memberNameLength, machineName)
      .regex(/^[^\p{Cc}]*$/u, machineName),
  },
  slots: {
    description: 'Worker processes at most; auto: one less than there are cores, at least one',
    allowed: autoSlots,
    effect: 'now',
    fallback: 'auto',
    schema: z.union([z.literal('auto'), whole(autoSlots, { min: 0, max: 1_024 })], autoSlots),
  },
  tags: {
    description: 'Words by which pools pick this machine, separated by commas',
    allowed: tagWords,
    effect: 'now',
    fallback: '',
    schema: z
      .string(tagWords)
      .max(limits.sentenceLength, tagWords)
      .regex(/^\s*(?:[^\s,\p{Cc}]{1,64}\s*(?:,\s*[^\s,\p{Cc}]{1,64}\s*){0,63})?$/u, tagWords),
  },
  rows: {
    description:
      'Whose rows are kept here, to be read offline: of all jobs, of own jobs, or of none but those collected here',
    allowed: 'all, own or none',
    effect: 'now',
    fallback: 'all',
    schema: word(['all', 'own', 'none']),
  },
  'rows-quota': {
    description: "Room for the rows of other agents' jobs; the newest jobs keep theirs",
    allowed: quota,
    effect: 'now',
    fallback: limits.rowsQuotaBytes,
    schema: size,
  },
  'downloads-quota': {
    description: 'Room for inputs with the mode download, which jobs have here until they end',
    allowed: quota,
    effect: 'now',
    fallback: limits.downloadsQuotaBytes,
    schema: size,
  },
  'in-place': {
    description:
      'Whether items may be opened where they lie: in mapped shares, and of agents of the same user on this machine',
    allowed: 'on or off',
    effect: 'now',
    fallback: true,
    schema: onOff,
  },
  scripts: {
    description:
      'Whether entry scripts of jobs may run here; jobs without a script run in any case',
    allowed: 'on or off',
    effect: 'now',
    fallback: true,
    schema: onOff,
  },
  mdns: {
    description: 'Whether agents are looked for by multicast in the local network',
    allowed: 'on or off',
    effect: 'next-start',
    fallback: true,
    schema: onOff,
  },
} as const satisfies Readonly<Record<string, SettingRule>>

export type SettingName = keyof typeof settingRules

const sharePrefix = 'share.'
const shareFolder = 'the absolute path of a folder on this machine'

const shareRule: SettingRule = {
  description: 'Folder where the share of this name lies on this machine',
  allowed: shareFolder,
  effect: 'now',
  fallback: '',
  schema: z
    .string(shareFolder)
    .max(limits.itemNameBytes, shareFolder)
    .regex(/^(?:\/|[A-Za-z]:[\\/]|\\\\)[^\0]*$/, shareFolder),
}

/** Name of a share in the key `share.NAME`; undefined for other keys. */
export const shareOf = (key: string): string | undefined => {
  if (!key.startsWith(sharePrefix)) return undefined
  const name = key.slice(sharePrefix.length)
  return shareNamePattern.test(name) && name.length <= limits.memberNameLength ? name : undefined
}

export const shareKey = (name: string): string => sharePrefix + name

/** The rule of a key, or a sentence that names the nearest ones. */
export const ruleOf = (key: string): Result<SettingRule, MusterError> => {
  if (Object.hasOwn(settingRules, key)) return ok(settingRules[key as SettingName])
  if (shareOf(key) !== undefined) return ok(shareRule)
  const known = [...Object.keys(settingRules), `${sharePrefix}NAME`]
  const near = suggest(key, known)
  const words =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${known.join(', ')}.`
  return err(musterError('RequestInvalid', `"${key}" is no setting: ${words}`))
}

/** A value as it is stored, or what is wrong with it in one sentence. */
export const checkSetting = (key: string, value: unknown): Result<SettingValue, MusterError> => {
  const rule = ruleOf(key)
  if (!rule.ok) return rule
  const parsed = rule.value.schema.safeParse(value)
  if (parsed.success) return ok(parsed.data)
  const shown = JSON.stringify(value) ?? 'nothing'
  const short = shown.length > 64 ? `${shown.slice(0, 60)}...` : shown
  return err(
    musterError('RequestInvalid', `"${key}" is ${short}, but must be ${rule.value.allowed}.`),
  )
}

/** What is stored, by key, as the typed settings; whatever no longer fits its rule counts as not set. */
export const toSettings = (stored: Readonly<Record<string, unknown>>): Settings => {
  const valueOf = (name: SettingName): SettingValue => {
    const checked = stored[name] === undefined ? undefined : checkSetting(name, stored[name])
    return checked?.ok === true ? checked.value : settingRules[name].fallback
  }
  const shares: Record<string, string> = {}
  for (const [key, value] of Object.entries(stored)) {
    const share = shareOf(key)
    if (share !== undefined && checkSetting(key, value).ok) shares[share] = String(value)
  }
  return {
    name: String(valueOf('name')),
    slots: valueOf('slots') as Settings['slots'],
    tags: String(valueOf('tags')),
    rows: valueOf('rows') as Settings['rows'],
    rowsQuota: Number(valueOf('rows-quota')),
    downloadsQuota: Number(valueOf('downloads-quota')),
    inPlace: valueOf('in-place') === true,
    scripts: valueOf('scripts') === true,
    mdns: valueOf('mdns') === true,
    shares,
  }
}

/** The words of the setting `tags`. */
export const tagsOf = ({ tags }: Pick<Settings, 'tags'>): readonly string[] =>
  tags
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')

/** A value as people write it. */
export const settingText = (key: string, value: SettingValue): string => {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return key.endsWith('-quota') && typeof value === 'number' ? formatSize(value) : String(value)
}
