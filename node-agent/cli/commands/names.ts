import { limits } from '#protocol/limits.ts'
import type { Cli } from '../cli.ts'
import type { NameKind } from '../completion/places.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'

/** One id or name, and what it is in a few words. */
type Name = readonly [name: string, about: string]

/**
 * Ids and names, newest first, for completion in a shell: `NAME<tab>ABOUT` a line. Somebody waits at a prompt, so the
 * agent has little time to answer.
 */
export const names = async (cli: Cli, kind: NameKind): Promise<ExitCode> => {
  const found = await lists[kind](await soon(cli))
  const unique = [...new Map(found).entries()].filter(([name]) => canBeTyped(name))
  if (cli.json) await cli.printJson({ kind, names: unique.map(([name]) => name) })
  else for (const [name, about] of unique) await cli.screen.line(`${name}\t${onOneLine(about)}`)
  return exitCodes.done
}

const soon = async (cli: Cli): Promise<Cli['call']> => {
  const client = await cli.connect()
  const signal = AbortSignal.any([cli.signal, AbortSignal.timeout(limits.completionMs)])
  return (name, options = {}) => client.call(name, { ...options, signal })
}

const lists: Readonly<Record<NameKind, (call: Cli['call']) => Promise<readonly Name[]>>> = {
  jobs: async (call) =>
    (await call('jobs', { query: newest })).jobs.map((job) => [
      job.id,
      `${job.name}, ${job.state}`,
    ]),
  pipelines: async (call) =>
    (await call('pipelines', { query: newest })).pipelines.map((run) => [
      run.id,
      `${run.name}, ${run.state}`,
    ]),
  models: async (call) => (await call('models')).models.flatMap(versioned),
  datasets: async (call) => (await call('datasets')).datasets.flatMap(versioned),
  datastores: async (call) =>
    (await call('datastores')).datastores.map((one) => [one.name, one.description]),
  pools: async (call) => (await call('pools')).pools.map((one) => [one.name, one.description]),
  experiments: async (call) =>
    (await call('experiments')).experiments.map((one) => [one.name, `${one.runs} runs`]),
  schedules: async (call) => (await call('schedules')).schedules.map((one) => [one.name, one.when]),
  peers: async (call) => (await call('members')).members.map((one) => [one.name, one.liveness]),
  settings: async (call) =>
    (await call('settings')).settings.map((one) => [one.key, one.description]),
}

const newest = { limit: limits.completedJobs }

/** The name alone means the newest version, which comes first. */
const versioned = (one: {
  readonly name: string
  readonly version: number
  readonly description: string
}): readonly Name[] => [
  [one.name, one.description],
  [`${one.name}:${one.version}`, one.description],
]

/** Control characters and marks that turn the writing direction reach no shell. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const canBeTyped = (name: string): boolean => name !== '' && !unsafe.test(name)

const onOneLine = (text: string): string => text.replaceAll(new RegExp(unsafe, 'gu'), ' ')
