import type { Planner, PlanPosition } from '#agent/ports/data.ts'
import { fileChunkRoom } from '#agent/job/cut/mini-batches.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { JobInput, JobSpec } from '#protocol/model/job.ts'
import type { PlanChunk, PlannedItem } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import { toChunks } from './plan-chunks.ts'
import type { CutMiniBatch } from './plan-chunks.ts'
import { cutFiles, hasItem, statOf } from './plan-files.ts'
import type { StatOf } from './plan-files.ts'

export interface PlannerDeps {
  /** How a file is looked at; left out: without holding up the thread. */
  readonly statOf?: StatOf
}

/** Plans folders of files. */
export const createPlanner = (deps: PlannerDeps = {}): Planner => ({
  check: async (input, signal) => {
    try {
      const listing = {
        input,
        number: 0,
        look: statOf,
        ...(signal === undefined ? {} : { signal }),
      }
      return (await hasItem(listing)) ? ok(undefined) : err(inputEmpty(input))
    } catch (thrown) {
      return err(toFailure(thrown, input, signal).error)
    }
  },
  plan: async function* (job, spec, behind, signal) {
    const request = { job, spec, behind, signal, look: deps.statOf ?? statOf }
    const { chunk, firstItem, firstMiniBatch } = behind ?? planStart
    const start = { chunk, firstItem, firstMiniBatch }
    const chunks = toChunks(filesOf(request), start, fileChunkRoom)
    for await (const { entries, ...rest } of chunks)
      yield { ...rest, job, kind: 'files', items: entries } satisfies PlanChunk
  },
})

const planStart = { chunk: 0, firstItem: 0, firstMiniBatch: 0 }

interface PlanRequest {
  readonly job: JobId
  readonly spec: JobSpec
  readonly behind: PlanPosition | undefined
  readonly signal: AbortSignal
  readonly look: StatOf
}

/** Mini-batches of all inputs, one input after the other. */
async function* filesOf(
  request: PlanRequest,
): AsyncGenerator<CutMiniBatch<PlannedItem>, void, undefined> {
  const { spec, behind, signal, look } = request
  for (const [number, input] of spec.inputs.entries()) {
    const last = behind?.file
    if (last !== undefined && number < last.input) continue
    const after = last?.input === number ? last.name : undefined
    const listing = { input, number, look, signal, ...(after === undefined ? {} : { after }) }
    let isEmpty = after === undefined
    try {
      for await (const miniBatch of cutFiles(listing, spec.miniBatchSize)) {
        isEmpty = false
        yield miniBatch
      }
    } catch (thrown) {
      throw signal.aborted ? thrown : toFailure(thrown, input)
    }
    if (isEmpty) throw new MusterFailure(inputEmpty(input))
  }
}

const toFailure = (thrown: unknown, input: JobInput, signal?: AbortSignal): MusterFailure => {
  if (thrown instanceof MusterFailure) return thrown
  const detail = thrownToText(thrown)
  return new MusterFailure(
    signal?.aborted === true
      ? musterError('Aborted', `Listing ${input.root} was stopped.`, { retryable: true, detail })
      : musterError(
          'InputMissing',
          `The folder ${input.root} of input "${input.name}" could not be listed to its end: check its disk.`,
          { detail },
        ),
  )
}

const inputEmpty = (input: JobInput): MusterError =>
  musterError(
    'InputEmpty',
    `No file in ${input.root} matches ${input.patterns.map((p) => `"${p}"`).join(' or ')}: ` +
      `correct the path or the pattern of input "${input.name}".`,
  )
