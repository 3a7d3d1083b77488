import type { Clock } from '#agent/ports/clock.ts'
import type { ContentDigest } from '#agent/ports/data.ts'
import type { Random } from '#agent/ports/random.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpec, OnlyItems, ReuseSettings } from '#protocol/model/job.ts'
import type { JobInput, SideInput } from '#protocol/model/input.ts'
import type { PipelineRun, PipelineStep, StepWire } from '#protocol/model/pipeline.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { storeSideInput } from '../inputs/side-inputs.ts'
import type { SideInputsDeps } from '../inputs/side-inputs.ts'

/** Makes the jobs of a run's steps. */
export interface RunJobs {
  /** The job of a step whose spec is whole. */
  readonly make: (run: PipelineRun, step: PipelineStep, more?: JobMore) => Job
  /** The step with its wired inputs where their sources' outputs lie, looked at. */
  readonly wire: (
    step: PipelineStep,
    sources: ReadonlyMap<string, JobFold>,
    signal: AbortSignal,
  ) => Promise<Result<WiredStep, MusterError>>
}

export interface JobMore {
  /** What is in inputs whose content is known, by their names. */
  readonly contents?: Readonly<Record<string, string>>
  readonly only?: OnlyItems
}

export interface WiredStep {
  readonly step: PipelineStep
  readonly contents: Readonly<Record<string, string>>
}

export interface RunJobsDeps extends SideInputsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly contents: ContentDigest
  readonly folderOf: (path: string) => string
  readonly baseName: (path: string) => string
  /** Muster's own. */
  readonly version: string
  /** SHA-256 (hex) of what decides a job's rows. */
  readonly reuseKey: (spec: JobSpec, contents: Readonly<Record<string, string>>) => string
}

export const createRunJobs = (deps: RunJobsDeps): RunJobs => ({
  make: (run, step, more = {}) => {
    const { self } = deps
    const { contents = {}, only } = more
    const pinned = step.spec.inputs.every(({ name }) => contents[name] !== undefined)
    return {
      id: deps.random.jobId(),
      spec: step.spec,
      submitter: self,
      dataPeer: step.dataPeer ?? self,
      keeper: self,
      submittedAt: deps.clock.now(),
      run: { pipeline: run.id, name: run.name, step: step.name, experiment: run.experiment },
      // Rows of a few items are no rows of the whole input.
      ...(only === undefined
        ? {
            reuse: {
              key: deps.reuseKey(step.spec, contents),
              ...mayTake(run, step),
              pinned,
              version: deps.version,
              contents,
            },
          }
        : { only }),
    }
  },
  wire: (step, sources, signal) => wire(deps, step, sources, signal),
})

/** Only the machine that plans can take work over, and it must know the earlier job's keeper. */
const mayTake = (
  { regenerateOutputs }: PipelineRun,
  { allowReuse, dataPeer }: PipelineStep,
): Pick<ReuseSettings, 'take' | 'whyNot'> => {
  if (!allowReuse) return { take: false, whyNot: 'off' }
  if (regenerateOutputs) return { take: false, whyNot: 'regenerate' }
  return dataPeer === undefined ? { take: true } : { take: false, whyNot: 'elsewhere' }
}

const wire = async (
  deps: RunJobsDeps,
  step: PipelineStep,
  sources: ReadonlyMap<string, JobFold>,
  signal: AbortSignal,
): Promise<Result<WiredStep, MusterError>> => {
  const { spec } = step
  const contents: Record<string, string> = {}
  const inputs: JobInput[] = []
  for (const input of spec.inputs) {
    const wire = step.wires.find((one) => one.side === undefined && one.input === input.name)
    const placed = wire === undefined ? ok(input) : placeInput(deps, { step, wire }, input, sources)
    if (!placed.ok) return placed
    inputs.push(placed.value)
    if (wire === undefined) continue
    const checked = await deps.planner.check(placed.value, spec.partitionKeys, signal)
    if (!checked.ok) return checked
    const content = await deps.contents.of(placed.value, signal)
    if (!content.ok) return content
    contents[input.name] = content.value
  }
  const sideInputs = await wireSides(deps, step, sources, signal)
  if (!sideInputs.ok) return sideInputs
  const whole = { ...spec, inputs, sideInputs: sideInputs.value }
  return ok({ step: { ...step, spec: whole }, contents })
}

/** The step's side inputs; the files of those that are wired become blobs now, so that everybody can have them. */
const wireSides = async (
  deps: RunJobsDeps,
  step: PipelineStep,
  sources: ReadonlyMap<string, JobFold>,
  signal: AbortSignal,
): Promise<Result<readonly SideInput[], MusterError>> => {
  const found: SideInput[] = []
  for (const side of step.spec.sideInputs) {
    const wire = step.wires.find((one) => one.side === true && one.input === side.name)
    if (wire === undefined) {
      found.push(side)
      continue
    }
    const { files: _none, ...input } = side
    const placed = placeInput(deps, { step, wire }, input, sources)
    if (!placed.ok) return placed
    const stored = await storeSideInput(deps, placed.value, signal)
    if (!stored.ok) return stored
    found.push(stored.value)
  }
  return ok(found)
}

interface Wired {
  readonly step: PipelineStep
  readonly wire: StepWire
}

/** A wired input lies where its source's output was written. */
const placeInput = (
  { folderOf, baseName }: RunJobsDeps,
  { step: { name }, wire: from }: Wired,
  input: JobInput,
  sources: ReadonlyMap<string, JobFold>,
): Result<JobInput, MusterError> => {
  const source = sources.get(from.step)
  const output = source?.sealed?.output ?? ''
  const collected = source?.sealed?.outputFiles
  if (source?.job.spec.outputAction === 'summary_only' && collected !== undefined)
    return ok({ ...input, root: collected.folder })
  if (output === '')
    return err(
      musterError(
        'InputMissing',
        `Step "${name}" reads the output of step "${from.step}", which wrote none.`,
      ),
    )
  return ok({ ...input, root: folderOf(output), patterns: [literally(baseName(output))] })
}

/** A pattern that fits just this name. */
const literally = (name: string): string => name.replaceAll(/[[\]*?{}()!+@]/g, '[$&]')
