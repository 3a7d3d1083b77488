import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { limits } from '#protocol/limits.ts'
import type { ProviderFact } from './explain.ts'
import { isProvider } from './providers.ts'

/** What was found, and on what machine: `cache/devices.json` of the agent's home. */
export interface DeviceCache {
  readonly version: 1
  readonly fingerprint: string
  /** Milliseconds since 1970. */
  readonly probedAt: number
  readonly facts: readonly ProviderFact[]
}

/** Facts of an earlier probe, if they are of this very machine and not too old. */
export const readDeviceCache = async (
  path: string,
  fingerprint: string,
): Promise<readonly ProviderFact[] | undefined> => {
  try {
    const told: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (!isCache(told) || told.fingerprint !== fingerprint) return undefined
    const age = Date.now() - told.probedAt
    return age >= 0 && age < limits.deviceCacheMs ? told.facts : undefined
  } catch {
    return undefined
  }
}

/** Keeps facts for the next start; a home that cannot be written to is not this room's to tell. */
export const writeDeviceCache = async (path: string, cache: DeviceCache): Promise<void> => {
  const fresh = `${path}.${process.pid}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(fresh, `${JSON.stringify(cache, undefined, 2)}\n`, { mode: 0o600 })
    await rename(fresh, path)
  } catch {
    // It is probed again next time.
  }
}

const isCache = (value: unknown): value is DeviceCache => {
  const { version, fingerprint, probedAt, facts } = (value ?? {}) as Partial<DeviceCache>
  return (
    version === 1 &&
    typeof fingerprint === 'string' &&
    typeof probedAt === 'number' &&
    Array.isArray(facts) &&
    facts.every(isFact)
  )
}

const isFact = (value: unknown): value is ProviderFact => {
  const { provider, problem } = (value ?? {}) as { provider?: unknown; problem?: unknown }
  const named = typeof provider === 'string' && isProvider(provider)
  return named && (problem === undefined || typeof problem === 'string')
}
