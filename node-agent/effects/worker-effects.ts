import type { Chunks } from '#agent/ports/chunks.ts'
import type { Log } from '#agent/ports/log.ts'
import type { ModelRuntime, RunOutcome, WorkerProcess } from '#agent/ports/runtime.ts'
import type { WorkerEffect } from '#agent/worker/effect.ts'
import type { ProcessNumber, WorkerFact } from '#agent/worker/event.ts'
import { MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Lease } from '#protocol/model/attempt.ts'
import { assertNever } from '#protocol/model/assert-never.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { Result } from '#protocol/model/result.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'
import type { LeaseToken } from '#protocol/model/term.ts'
import type { FromWorkerMessage } from '#protocol/wire/lease/messages.ts'
import type { InputExchange } from './input-exchange.ts'
import { createWorkerInputs, tokenKey } from './worker-inputs.ts'

/** Carries out what the worker's machine wants: inputs, worker processes, chunks, words to the head. */
export interface WorkerEffects extends AsyncDisposable {
  readonly run: (effect: WorkerEffect) => void
  /** Mini-batches running now. */
  readonly busy: () => number
}

export interface WorkerEffectsDeps {
  readonly self: PeerId
  readonly log: Log
  readonly chunks: Chunks
  readonly runtime: ModelRuntime
  readonly inputs: InputExchange
  readonly threads: () => number
  readonly memoryBytes: () => number
  readonly jobById: (job: JobId) => Job | undefined
  /** Makes a job's model present and gives the path of its `.onnx`. */
  readonly modelPath: (job: Job, signal: AbortSignal) => Promise<Result<string, MusterError>>
  readonly sendToHead: (message: FromWorkerMessage) => void
  readonly tell: (fact: WorkerFact) => void
}

interface Running {
  readonly job: Job
  readonly aborted: AbortController
  process?: WorkerProcess
  runs: number
}

export const createWorkerEffects = (deps: WorkerEffectsDeps): WorkerEffects => {
  const { tell, sendToHead } = deps
  const processes = new Map<ProcessNumber, Running>()
  const rows = new Map<string, AttemptRows>()
  const inputs = createWorkerInputs({
    inputs: deps.inputs,
    jobById: deps.jobById,
    arrived: (token, bytes) => tell({ kind: 'inputArrived', token, bytes }),
    failed: (token, message) => tell({ kind: 'inputFailed', token, message }),
  })

  const startProcess = async (number: ProcessNumber, jobId: JobId): Promise<void> => {
    const job = deps.jobById(jobId)
    if (job === undefined) {
      tell({
        kind: 'processFailed',
        process: number,
        why: 'reach',
        message: 'The job is not known here.',
      })
      return
    }
    const running: Running = { job, aborted: new AbortController(), runs: 0 }
    processes.set(number, running)
    const { signal } = running.aborted
    const fail = (why: 'reach' | 'init', error: MusterError): void => {
      processes.delete(number)
      deps.log.warn('worker process did not start', { job: jobId, error })
      tell({ kind: 'processFailed', process: number, why, message: error.message })
    }
    const model = await deps.modelPath(job, signal)
    if (!model.ok) return fail('reach', model.error)
    const started = await deps.runtime.start({
      spec: job.spec,
      modelPath: model.value,
      threads: deps.threads(),
      memoryBytes: deps.memoryBytes(),
      signal,
    })
    if (!started.ok) return fail('init', started.error)
    running.process = started.value
    if (signal.aborted) started.value.kill()
    else tell({ kind: 'processStarted', process: number })
    const exit = await started.value.exited
    processes.delete(number)
    tell({ kind: 'processExited', process: number, how: exit.kind, message: exit.message })
  }

  const runAttempt = async (number: ProcessNumber, lease: Lease): Promise<void> => {
    const running = processes.get(number)
    const items = inputs.take(lease.token)
    if (running?.process === undefined || items === undefined) return
    running.runs += 1
    try {
      const { miniBatch, attempt, token } = lease
      const outcome = await running.process.run({ miniBatch, attempt, items })
      if (outcome.kind === 'succeeded') rows.set(tokenKey(token), toRows(lease, outcome))
      tell({ kind: 'attemptRan', process: number, token, outcome: toFact(lease, outcome) })
    } catch (thrown) {
      // The process died: `processExited` says so, and the machine knows what it held.
      if (!(thrown instanceof MusterFailure)) throw thrown
    } finally {
      running.runs -= 1
    }
  }

  const packChunk = async (job: JobId, tokens: readonly LeaseToken[]): Promise<void> => {
    const entries = tokens.flatMap((token) => rows.get(tokenKey(token)) ?? [])
    const packed = await deps.chunks.pack({ job, peer: deps.self, entries })
    for (const token of tokens) rows.delete(tokenKey(token))
    if (packed.ok) tell({ kind: 'chunkPacked', job, chunk: packed.value, tokens })
    else tell({ kind: 'chunkFailed', job, tokens, message: packed.error.message })
  }

  /** Runs that end in their own event; anything thrown is a defect and must be seen. */
  const background = (work: Promise<void>): void => {
    work.catch((thrown: unknown) =>
      deps.log.error('a worker effect failed', { detail: thrownToText(thrown) }),
    )
  }

  const run = (effect: WorkerEffect): void => {
    switch (effect.kind) {
      case 'greetHead':
        return sendToHead({ ...effect, kind: 'worker-hello' })
      case 'fetchInput':
        return inputs.fetch(effect.lease)
      case 'dropInput':
        return inputs.drop(effect.token)
      case 'startProcess':
        return background(startProcess(effect.process, effect.job))
      case 'killProcess': {
        const running = processes.get(effect.process)
        running?.aborted.abort()
        return running?.process?.kill()
      }
      case 'runAttempt':
        return background(runAttempt(effect.process, effect.lease))
      case 'packChunk':
        return background(packChunk(effect.job, effect.tokens))
      case 'dropRows':
        for (const token of effect.tokens) rows.delete(tokenKey(token))
        return
      case 'sendStarted':
        return sendToHead({ kind: 'leases-started', tokens: effect.tokens })
      case 'sendReports':
        return sendToHead({ kind: 'attempts-finished', reports: effect.reports })
      case 'sendReturned':
        return sendToHead({ ...effect, kind: 'leases-returned' })
      case 'sendInitFailed':
        return sendToHead({ ...effect, kind: 'init-failed' })
      case 'sendSlots':
        return sendToHead({ ...effect, kind: 'slots-changed' })
      default:
        return assertNever(effect)
    }
  }

  return {
    run,
    busy: () => [...processes.values()].filter((running) => running.runs > 0).length,
    [Symbol.asyncDispose]: async () => {
      inputs[Symbol.dispose]()
      const ending = [...processes.values()].map(async ({ aborted, process }) => {
        aborted.abort()
        process?.kill()
        await process?.exited
      })
      await Promise.all(ending)
    },
  }
}

const toRows = (lease: Lease, outcome: RunOutcome & { kind: 'succeeded' }): AttemptRows => ({
  miniBatch: lease.miniBatch,
  attempt: lease.attempt,
  items: outcome.items,
  rows: outcome.rows,
  failures: outcome.failures,
})

/** Failed items = items - items for which something was returned. */
const toFact = (
  lease: Lease,
  outcome: RunOutcome,
): (WorkerFact & { kind: 'attemptRan' })['outcome'] => {
  if (outcome.kind === 'threw') return { kind: 'threw', message: outcome.message }
  const bytes = outcome.rows.reduce((sum, row) => sum + row.length, 0)
  const succeeded = new Set(outcome.items).size
  return {
    kind: 'succeeded',
    succeeded,
    failed: Math.max(0, lease.items - succeeded),
    rows: outcome.rows.length,
    bytes,
    runMs: outcome.runMs,
  }
}
