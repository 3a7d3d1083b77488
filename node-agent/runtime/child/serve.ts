import process from 'node:process'
import { thrownToText } from '#protocol/errors.ts'
import type { DeviceChoice, DevicePlan } from '../devices/providers.ts'
import type {
  AgentMessage,
  ProcessMessage,
  RunMessage,
  ScriptStartMessage,
  StartMessage,
} from '../messages.ts'
import { createBlockingPipe } from './blocking-pipe.ts'
import { createImageDecoder } from './image-decoder.ts'
import { loadInference } from './inference.ts'
import type { Inference } from './inference.ts'
import { createMiniBatchRunner } from './mini-batch.ts'
import type { MiniBatchOutcome } from './mini-batch.ts'
import { createRowWriter } from './row-writer.ts'
import type { ScriptRunner } from './script/runner.ts'
import type { Scripts } from './script/scripts.ts'
import { createStoredTensorWriter, createTensorDecoder } from './tensor-decoder.ts'
import { createTensorWriter } from './tensor-writer.ts'

/**
 * Serves the agent over one pipe until it closes: first `start`, then mini-batches in their order.
 * `onScript` is told the script process that must not outlive this one, 0 when it is gone. `onLoaded` is called when all code that a mini-batch needs is loaded: the process ends without warning.
 */
export const serve = async (
  descriptor: number,
  onLoaded: () => void,
  onScript: (pid: number) => void,
): Promise<never> => {
  const pipe = createBlockingPipe(descriptor)
  const send: Send = (message, rows = []) => {
    pipe.send(message, rows.length === 0 ? [] : [Buffer.from(rows.join('\n'))])
  }
  let runner: Runner | undefined
  let scripts: Scripts | undefined
  let script: ScriptRunner | undefined
  let follow: Follow = async () => {}
  for (let frame = pipe.next(); frame !== undefined; frame = pipe.next()) {
    // The agent is our own code: its messages are taken as they are.
    const message = frame.head as AgentMessage
    if (message.kind === 'start') {
      const loaded = await load(message, send)
      runner = loaded?.run
      follow = loaded?.follow ?? follow
      onLoaded()
    } else if (message.kind === 'startScript') {
      // Only jobs with a script pay for its code.
      scripts ??= (await import('./script/scripts.ts')).createScripts(chosenTo(send))
      onScript(message.scriptPid)
      script = await loadScript(message, send, scripts)
      runner = script?.run
      follow = scripts.follow
      onLoaded()
    } else if (message.kind === 'shutdown') script?.shutdown()
    else if (message.kind === 'endScript') {
      onScript(0)
      script?.leave()
      script = runner = undefined
      send({ kind: 'left' })
    } else if (message.kind === 'device') await follow(message.plan)
    else if (runner !== undefined) await runOne(runner, message, frame.body, send)
  }
  process.exit(0)
}

type Runner = (message: RunMessage, body: Uint8Array) => Promise<MiniBatchOutcome>
type Follow = (plan: DevicePlan) => Promise<void>

const chosenTo =
  (send: Send) =>
  (choice: DeviceChoice): void =>
    send({ ...choice, kind: 'chosen' })

const loadScript = async (
  start: ScriptStartMessage,
  send: Send,
  scripts: Scripts,
): Promise<ScriptRunner | undefined> => {
  const startedAt = performance.now()
  const runner = await scripts.start(start)
  if (typeof runner === 'string') {
    send({ kind: 'refused', code: 'InitFailed', message: runner, detail: '' })
    return undefined
  }
  send({ kind: 'ready', loadMs: performance.now() - startedAt })
  return runner
}

type Send = (message: ProcessMessage, rows?: readonly string[]) => void

interface Loaded {
  readonly run: Runner
  readonly follow: Follow
}

const load = async (start: StartMessage, send: Send): Promise<Loaded | undefined> => {
  const startedAt = performance.now()
  const inference = await loadInference(start, chosenTo(send))
  if (!inference.ok) {
    const { code, message, detail = '' } = inference.error
    send({ kind: 'refused', code, message, detail })
    return undefined
  }
  const run = await createRunner(start, inference.value)
  send({ kind: 'ready', loadMs: performance.now() - startedAt })
  return { run, follow: inference.value.follow }
}

const createRunner = async (start: StartMessage, inference: Inference): Promise<Runner> => {
  const { preprocess, threads } = start
  const rowWriter = createRowWriter(start.postprocess)
  if (preprocess.decode === 'image')
    return createMiniBatchRunner({
      writer: createTensorWriter(preprocess),
      decoder: createImageDecoder(preprocess),
      inference,
      rowWriter,
      threads,
    })
  if (preprocess.decode === 'tensor')
    return createMiniBatchRunner({
      writer: createStoredTensorWriter(preprocess),
      decoder: createTensorDecoder(preprocess),
      inference,
      rowWriter,
      threads,
    })
  // Only jobs over tables pay for the code of their readers.
  const { createTableRunner } = await import('./table-batch.ts')
  return createTableRunner({ preprocess, inference, rowWriter })
}

const runOne = async (
  runner: Runner,
  message: RunMessage,
  body: Uint8Array,
  send: Send,
): Promise<void> => {
  const startedAt = performance.now()
  const { miniBatch } = message
  const outcome = await runner(message, body).catch(toThrew)
  const runMs = performance.now() - startedAt
  if (outcome.kind === 'threw') {
    return send({ kind: 'threw', miniBatch, message: outcome.message, runMs })
  }
  const { items, failures, rows, files, unsure, contents } = outcome
  const left = {
    ...(contents === undefined ? {} : { contents: contents.toString('base64') }),
    ...(files === undefined ? {} : { files }),
    ...(unsure === undefined ? {} : { unsure }),
  }
  send({ kind: 'succeeded', miniBatch, items, failures, runMs, ...left }, rows)
}

/** A defect or a broken installation (sharp's library missing): the attempt fails, the process goes on. */
const toThrew = (thrown: unknown): MiniBatchOutcome => ({
  kind: 'threw',
  message: `The worker process failed on this mini-batch: ${thrownToText(thrown).split('\n')[0]}.`,
})
