import process from 'node:process'
import type {
  ItemPlace,
  ProcessExit,
  RunOutcome,
  RunRequest,
  WorkerProcess,
} from '#agent/ports/runtime.ts'
import { MusterFailure, musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { contentHashBytes } from '#protocol/model/content.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { RuntimeChild } from './child-process.ts'
import type { DeviceChoice, DevicePlan } from './devices/providers.ts'
import { answerLimits, createFrameReader, encodeFrame } from './frames.ts'
import type { Frame } from './frames.ts'
import { readProcessMessage } from './messages.ts'
import type { ItemFacts } from './script/words.ts'
import { itemsOfTable, toTableWords } from './table-words.ts'
import type {
  ItemSource,
  ProcessMessage,
  RunMessage,
  ScriptStartMessage,
  StartMessage,
} from './messages.ts'

/** A mini-batch that the process has not answered yet. */
interface Waiting {
  readonly request: RunRequest
  readonly settle: PromiseWithResolvers<RunOutcome>
}

/** A worker process from `start` until its end. */
export interface Conversation {
  readonly process: WorkerProcess
  /** Resolves when the model is loaded, refused, or the process gone. */
  readonly loaded: Promise<Result<number, MusterError>>
  /** Tells the process a new plan for what computes. */
  readonly tellPlan: (plan: DevicePlan) => void
  /** Starts one more script, after `endScript`; resolves like `loaded`. */
  readonly startScript: (start: ScriptStartMessage) => Promise<Result<number, MusterError>>
  /** Tells that the script process is gone. Resolves to true when the process has forgotten it, else to false. */
  readonly endScript: () => Promise<boolean>
}

/** Speaks with a started child: sends `start`, then mini-batches, and matches the answers in their order. */
export const converse = (
  child: RuntimeChild,
  start: StartMessage | ScriptStartMessage,
  heard: (choice: DeviceChoice) => void = () => {},
): Conversation => {
  const waiting: Waiting[] = []
  const first = Promise.withResolvers<Result<number, MusterError>>()
  let loaded = first
  let left = Promise.withResolvers<boolean>()
  let gone: ProcessExit | undefined

  const give = (frame: Frame): string | undefined => {
    const message = readProcessMessage(frame.head)
    if (message === undefined) return 'it sent a message that makes no sense'
    if (message.kind === 'ready') loaded.resolve(ok(message.loadMs))
    else if (message.kind === 'refused') loaded.resolve(err(toError(message)))
    else if (message.kind === 'chosen') heard(message)
    else if (message.kind === 'left') left.resolve(true)
    else return settleNext(waiting, message, frame.body)
    return undefined
  }
  const nonsense = listen(child, give)
  const exited = child.exited.then((exit) => {
    const problem = nonsense()
    gone = problem === '' ? exit : brokenOff(child.pid, problem)
    const error = died(gone, child.stderr())
    loaded.resolve(err(error))
    left.resolve(false)
    for (const { settle } of waiting.splice(0)) settle.reject(new MusterFailure(error))
    return gone
  })
  const write = createWrite(child)
  write(start, [])
  const run = (request: RunRequest): Promise<RunOutcome> => {
    if (gone !== undefined) return Promise.reject(new MusterFailure(died(gone, child.stderr())))
    const settle = Promise.withResolvers<RunOutcome>()
    waiting.push({ request, settle })
    const { message, body } = toRunMessage(request)
    write(message, body)
    return settle.promise
  }
  return {
    process: { pid: child.pid, run, kill: child.kill, exited },
    loaded: first.promise,
    tellPlan: (plan) => {
      if (gone === undefined) write({ kind: 'device', plan }, [])
    },
    startScript: (next) => {
      if (gone !== undefined) return Promise.resolve(err(died(gone, child.stderr())))
      loaded = Promise.withResolvers()
      write(next, [])
      return loaded.promise
    },
    endScript: () => {
      if (gone !== undefined) return Promise.resolve(false)
      left = Promise.withResolvers()
      write({ kind: 'endScript' }, [])
      return left.promise
    },
  }
}

/** Gives on the child's frames until one makes no sense, which ends it; the function given back says why. */
const listen = (
  child: RuntimeChild,
  give: (frame: Frame) => string | undefined,
): (() => string) => {
  let nonsense = ''
  const fail = (problem: string): void => {
    if (nonsense === '') nonsense = problem
    child.kill()
  }
  const read = createFrameReader(answerLimits, (frame) => {
    const problem = nonsense === '' ? give(frame) : undefined
    if (problem !== undefined) fail(problem)
  })
  child.pipe.on('data', (chunk: Buffer) => {
    try {
      read(chunk)
    } catch (thrown) {
      fail(thrown instanceof Error ? thrown.message : String(thrown))
    }
  })
  // A write to a process that is gone: its end is told by `exited`.
  child.pipe.on('error', () => {})
  return () => nonsense
}

type Write = (head: object, body: readonly Uint8Array[]) => void

/** Frames of one turn of the event loop share one write: each costs a system call and wakes the process. */
const createWrite = (child: RuntimeChild): Write => {
  let parts: Uint8Array[] = []
  let small = 0
  const flush = (): void => {
    const frames = parts
    const joined = small <= joinBytes && frames.length > 1
    parts = []
    small = 0
    if (joined) child.pipe.write(Buffer.concat(frames))
    else for (const part of frames) child.pipe.write(part)
  }
  return (head, body) => {
    if (parts.length === 0) process.nextTick(flush)
    for (const part of encodeFrame(head, body)) {
      parts.push(part)
      small += part.length
    }
  }
}

const joinBytes = 128 * 1024

/** A mini-batch in columns: objects for each item would cost more than the work on small items. */
const toRunMessage = (
  request: RunRequest,
): { readonly message: RunMessage; readonly body: readonly Uint8Array[] } => {
  const items: number[] = []
  const names: string[] = []
  const sources: ItemSource[] = []
  const body: Uint8Array[] = []
  const places: ItemPlace[] = []
  const facts: ItemFacts[] = []
  const { table, partition, input } = request
  const records = table === undefined ? undefined : toTableWords(table)
  for (const item of request.items) {
    items.push(item.item)
    names.push(item.name)
    const direct = 'path' in item ? item.planned : undefined
    facts.push(direct === undefined ? null : [direct.bytes, direct.modifiedMs])
    if ('place' in item) {
      const { place, planned } = item
      if (places.at(-1) !== place) places.push(place)
      sources.push([places.length - 1, planned.bytes, planned.modifiedMs])
    } else if ('path' in item) sources.push(item.path)
    else if ('problem' in item) sources.push([item.problem])
    else {
      sources.push(item.bytes.length)
      body.push(item.bytes)
    }
  }
  const message: RunMessage = {
    kind: 'run',
    miniBatch: request.miniBatch,
    items,
    names,
    sources,
    places,
    ...(records === undefined ? {} : { table: records.words }),
    ...(partition === undefined ? {} : { partition }),
    ...(input === undefined ? {} : { input }),
    ...(facts.some((one) => one !== null) ? { facts } : {}),
  }
  return { message, body: records?.body ?? body }
}

type RunAnswer = Extract<ProcessMessage, { kind: 'succeeded' | 'threw' }>

/** Answers the longest waiting mini-batch; a text says why the answer cannot be for it. */
const settleNext = (waiting: Waiting[], message: RunAnswer, body: Buffer): string | undefined => {
  const next = waiting.shift()
  if (next === undefined) return 'it answered a question that was not asked'
  const problem = settle(next, message, body)
  if (problem !== undefined) waiting.unshift(next)
  return problem
}

const settle = (next: Waiting, message: RunAnswer, body: Buffer): string | undefined => {
  if (message.miniBatch !== next.request.miniBatch) return 'it answered out of order'
  const { runMs } = message
  if (message.kind === 'threw') {
    next.settle.resolve({ kind: 'threw', message: message.message, runMs })
    return undefined
  }
  const { items, failures } = message
  if (countLines(items.length, body) !== items.length || !isDivision(next.request, message)) {
    return 'its rows do not match the items it was given'
  }
  const { files, unsure } = message
  const contents = Buffer.from(message.contents ?? '', 'base64')
  const { items: asked, table } = next.request
  const hashes = table === undefined ? asked.length : table.slices.length
  const isWhole = contents.length === hashes * contentHashBytes
  const left = {
    ...(isWhole && contents.length > 0 ? { contents } : {}),
    ...(files === undefined ? {} : { files }),
    ...(unsure === undefined ? {} : { unsure }),
  }
  next.settle.resolve({ kind: 'succeeded', items, lines: body, failures, runMs, ...left })
  return undefined
}

/** Lines in the body, up to one more than there should be. */
const countLines = (expected: number, body: Buffer): number => {
  if (expected === 0) return body.length
  let lines = 1
  for (let at = body.indexOf(newline); at !== -1 && lines <= expected; lines += 1)
    at = body.indexOf(newline, at + 1)
  return lines
}

const newline = 10

/** Every item must have rows or a failure, each in the order of the request. */
const isDivision = (
  request: RunRequest,
  message: Extract<ProcessMessage, { kind: 'succeeded' }>,
): boolean => {
  let row = 0
  let failure = 0
  const { table } = request
  const items = table === undefined ? request.items.map(({ item }) => item) : itemsOfTable(table)
  for (const item of items) {
    if (message.items[row] === item) while (message.items[row] === item) row += 1
    else if (message.failures[failure]?.item === item) failure += 1
    else return false
  }
  return row === message.items.length && failure === message.failures.length
}

const brokenOff = (pid: number, problem: string): ProcessExit => ({
  kind: 'crashed',
  message: `Worker process ${pid} was stopped because ${problem}.`,
})

const died = (exit: ProcessExit, stderr: string): MusterError =>
  musterError('ProcessDied', exit.message, {
    retryable: true,
    ...(stderr === '' ? {} : { detail: stderr }),
  })

const toError = (message: Extract<ProcessMessage, { kind: 'refused' }>): MusterError =>
  musterError(message.code, message.message, { detail: message.detail })
