import { closeSync, writeSync } from 'node:fs'
import process from 'node:process'
import { thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { gaveUpOnScript } from '../../exit.ts'
import type { RunMessage, ScriptStartMessage } from '../../messages.ts'
import type { HostWords, ModelWords, RunWords } from '../../script/words.ts'
import { createBlockingPipe } from '../blocking-pipe.ts'
import type { BlockingPipe } from '../blocking-pipe.ts'
import { openSources } from '../item-source.ts'
import type { MiniBatchOutcome } from '../mini-batch.ts'
import { alignRows } from './align.ts'
import { createCalls } from './calls.ts'
import type { ScriptCalls, Words } from './calls.ts'
import type { ScriptModel } from './model.ts'
import type { OpenMiniBatch } from './open-mini-batch.ts'
import { createOutputFolder } from './output-folder.ts'
import type { OutputFolder } from './output-folder.ts'
import { Refusal } from './tensors.ts'

export interface ScriptRunner {
  readonly run: (message: RunMessage, body: Uint8Array) => Promise<MiniBatchOutcome>
  /** Lets the script clean up; its process then ends, and with it the wait for an answer. */
  readonly shutdown: () => void
  /** Its process is gone: nothing that it said and nobody has read will ever be read. */
  readonly leave: () => void
}

/** Starts the script, and checks what it says; a sentence says why it cannot run. */
export const startScript = async (
  start: ScriptStartMessage,
  models: readonly ScriptModel[],
): Promise<ScriptRunner | string> => {
  const pipe = createBlockingPipe(start.scriptPipe, mostOfScript)
  const { itemFolder, threads, sideInputs } = start
  const calls = createCalls({ models, itemFolder, threads, sideInputs })
  say(pipe, { ...start.init, kind: 'init', models: modelWords(start, models), sideInputs })
  const end = await converse(pipe, calls, ['ready', 'initFailed'])
  if (end.words['kind'] === 'initFailed') return String(end.words['message'])
  const output = createOutputFolder(start.init.outputDirectory, start.packFolder)
  // Files of init() belong to no mini-batch: which would have them depends on who was faster.
  output.sweep()
  return {
    run: async (message, body) => withFiles(output, await runOne(pipe, calls, message, body)),
    shutdown: () => say(pipe, { kind: 'shutdown' }),
    leave: () => closeSync(start.scriptPipe),
  }
}

const mostOfScript = { headBytes: limits.processHeadBytes, bodyBytes: limits.scriptFrameBytes }

const modelWords = (
  start: ScriptStartMessage,
  models: readonly ScriptModel[],
): readonly ModelWords[] =>
  start.models.map(({ name, modelPath }, at) => ({
    name,
    path: modelPath,
    inputs: models[at]?.inputs ?? [],
    outputs: models[at]?.outputs ?? [],
  }))

const say = (pipe: BlockingPipe, words: HostWords, body: readonly Uint8Array[] = []): void => {
  pipe.send(words, body)
}

const runOne = async (
  pipe: BlockingPipe,
  calls: ScriptCalls,
  message: RunMessage,
  body: Uint8Array,
): Promise<MiniBatchOutcome> => {
  const open =
    message.table === undefined ? openFiles(message, body) : await readRecords(message, body)
  calls.open(open)
  try {
    say(pipe, runWords(open))
    const end = await converse(pipe, calls, ['returned', 'threw'])
    if (end.words['kind'] === 'threw')
      return { kind: 'threw', message: String(end.words['message']) }
    return readRows(open, end)
  } finally {
    calls.close()
  }
}

/** What the script left belongs to this mini-batch if it succeeded, and to none if it did not. */
const withFiles = (output: OutputFolder, outcome: MiniBatchOutcome): MiniBatchOutcome => {
  try {
    if (outcome.kind === 'succeeded') {
      const files = output.collect()
      return files === undefined ? outcome : { ...outcome, files }
    }
    output.sweep()
    return outcome
  } catch (thrown) {
    output.sweep()
    if (!(thrown instanceof Refusal)) throw thrown
    return { kind: 'threw', message: thrown.message }
  }
}

/** Only jobs over tables pay for the code of their readers. */
const readRecords = async (message: RunMessage, body: Uint8Array): Promise<OpenMiniBatch> => {
  const { openTable } = await import('./open-table.ts')
  return openTable(message, body)
}

const openFiles = (message: RunMessage, body: Uint8Array): OpenMiniBatch => {
  const open: OpenMiniBatch = { ...openSources(message, body), problems: new Map() }
  for (const [at, source] of message.sources.entries())
    if (typeof source === 'object' && source.length === 1)
      open.problems.set(at, sentence(message.names[at] ?? '', source[0]))
  return open
}

const runWords = ({ message, records }: OpenMiniBatch): RunWords => {
  const { miniBatch, items, names, partition = null, input = '', facts } = message
  const beside = { kind: 'run', miniBatch, partition, input } as const
  if (records === undefined)
    return { ...beside, items, names, table: null, ...(facts === undefined ? {} : { facts }) }
  const table = { records: records.all, columns: records.columns }
  return { ...beside, items: [], names: [], table }
}

const sentence = (name: string, problem: string): string =>
  problem.startsWith('"') || problem.includes(name) ? problem : `${name} ${problem}`

interface End {
  readonly words: Words
  readonly body: Uint8Array
}

/** Answers the script's calls until it says one of the last words. */
const converse = async (
  pipe: BlockingPipe,
  calls: ScriptCalls,
  last: readonly string[],
): Promise<End> => {
  for (;;) {
    const { words, body } = nextOf(pipe)
    const kind = String(words['kind'])
    if (last.includes(kind)) return { words, body }
    if (kind !== 'call') giveUp(`it said "${kind.slice(0, 40)}" out of turn`)
    await answer(pipe, calls, words, body)
  }
}

const answer = async (
  pipe: BlockingPipe,
  calls: ScriptCalls,
  words: Words,
  asked: Uint8Array,
): Promise<void> => {
  const call = Number(words['call'])
  try {
    const { value, body = [] } = await calls.answer(words, asked)
    pipe.send({ kind: 'answer', call, value }, body)
  } catch (thrown) {
    const error = thrown instanceof Refusal ? thrown.message : thrownToText(thrown)
    pipe.send({ kind: 'refusal', call, error }, [])
  }
}

const nextOf = (pipe: BlockingPipe): End => {
  let frame
  try {
    frame = pipe.next()
  } catch (thrown) {
    giveUp(thrown instanceof Error ? thrown.message : String(thrown))
  }
  // The script process is gone. Its agent sees that too, knows why, and ends this process.
  if (frame === undefined) return waitForEnd()
  if (typeof frame.head !== 'object' || frame.head === null) return giveUp('its words are no words')
  return { words: frame.head as Words, body: frame.body }
}

const waitForEnd = (): never => {
  const bell = new Int32Array(new SharedArrayBuffer(4))
  for (;;) Atomics.wait(bell, 0, 0, 60_000)
}

/** Nothing after nonsense can be read. The words reach the agent as the last ones of this process. */
const giveUp = (why: string): never => {
  writeSync(2, `Error: ${gaveUpOnScript}: ${why}\n`)
  process.exit(1)
}

/** Checks what the script calls rows: they must be as many as it says, and JSON each. */
const readRows = ({ message, problems, contents }: OpenMiniBatch, end: End): MiniBatchOutcome => {
  const count = Number(end.words['rows'])
  const rows = count === 0 ? [] : Buffer.from(end.body).toString('utf8').split('\n')
  const { keys } = end.words
  const sound =
    rows.length === count &&
    count <= limits.scriptRows &&
    (keys === null || (Array.isArray(keys) && keys.every(isKey))) &&
    rows.every(isJson)
  if (!sound) return giveUp('its rows are no rows')
  const { items, names } = message
  const aligned = alignRows({
    items,
    names,
    rows,
    keys: keys as readonly (string | null)[] | null,
    problems,
  })
  return aligned.kind === 'succeeded' && contents.length > 0 ? { ...aligned, contents } : aligned
}

const isKey = (key: unknown): boolean => key === null || typeof key === 'string'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return text.length <= limits.rowBytes
  } catch {
    return false
  }
}
