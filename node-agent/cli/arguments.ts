import { InvalidArgumentError } from 'commander'
import { readMiniBatchName } from '#protocol/model/half.ts'
import { parseSize } from '#protocol/spec/units.ts'

/** Readers of command-line values: they throw commander's error, which becomes one sentence. */

export const readCount =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
  }

/** `4`, or `45a` for a half, as its number. */
export const readMiniBatch = (text: string): number => {
  const value = readMiniBatchName(text)
  if (value !== undefined) return value
  throw new InvalidArgumentError('It must be a number, or the name of a half such as 45a.')
}

/** `512MB`, `16GB` in bytes. */
export const readSize = (text: string): number => {
  const value = parseSize(text)?.bytes
  if (value !== undefined && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be a size such as 512MB or 16GB.')
}

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** `90s`, `10m`, `2h`, `1d` in seconds. */
export const readDuration = (text: string): number => {
  const found = /^(\d{1,6})([smhd])$/.exec(text)
  const value = Number(found?.[1]) * seconds[(found?.[2] ?? 's') as keyof typeof seconds]
  if (value >= 1 && value <= seconds.d) return value
  throw new InvalidArgumentError('It must be a time from 1s to 1d, such as 90s, 10m or 2h.')
}

const roles = ['work', 'submit', 'admin'] as const
export type RoleName = (typeof roles)[number]

export const readRoles = (text: string): RoleName[] => {
  const given = [...new Set(text.split(',').map((each) => each.trim()))]
  if (given.length > 0 && given.every((each) => roles.includes(each as RoleName))) {
    return given as RoleName[]
  }
  throw new InvalidArgumentError(`Roles are ${roles.join(', ')}, separated by commas.`)
}

export type Setting = string | number | boolean

/**
 * Collects `key=value`. Numbers, true and false become such; quotes keep a text that looks like one:
 * `--set 'name="123"'`.
 */
export const readSetting = (text: string, before: Record<string, Setting> = {}) => {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must look like key=value.')
  return { ...before, [text.slice(0, at)]: readScalar(text.slice(at + 1)) }
}

/** Collects `key=value` with every value as text. */
export const readTag = (text: string, before: Record<string, string> = {}) => {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must look like key=value.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

export const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
]

const readScalar = (text: string): Setting => {
  if (!/^(?:true|false|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|".*")$/s.test(text)) return text
  try {
    return JSON.parse(text) as Setting
  } catch {
    return text
  }
}
