import type { Blobs } from '#agent/ports/blobs.ts'
import type { Bundler } from '#agent/ports/bundler.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { DataFolders, DataPreview } from '#agent/ports/data.ts'
import type { JobFile, JobFileReader, KnownData } from '#agent/ports/job-file.ts'
import type { Planner } from '#agent/ports/plan.ts'
import type { Random } from '#agent/ports/random.ts'
import type { ModelRuntime, RunInput, RunOutcome, StartProcess } from '#agent/ports/runtime.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Job, JobSpec } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { DataPlace } from '#protocol/model/registry.ts'
import { recordName } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { storeSideInputs } from '../inputs/side-inputs.ts'
import { storeScript } from './store-script.ts'
import { findModel, findTriedModels, withoutModels } from './try-models.ts'

/** A dry run: the first items of a job file, run on this machine; nothing is recorded. */
export type TryJob = (wish: TryWish, signal: AbortSignal) => Promise<Result<Tried, MusterError>>

export interface TryWish {
  readonly text: string
  readonly file: string
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly overrides: Readonly<Record<string, string | number | boolean>>
  /** Which step of a pipeline; undefined: the first one. */
  readonly step: string | undefined
  readonly count: number
}

export interface Tried {
  readonly step: string
  /** Rows of the items, in their order; an item that gave none has its failure. */
  readonly rows: readonly {
    readonly item: number
    readonly name: string
    /** JSON text; null for a failed item. */
    readonly value: string | null
    readonly failure: string
  }[]
  /** Files that the script left, by their paths below its output directory. */
  readonly files: readonly string[]
  /** Why none of it could be run, in one sentence; empty otherwise. */
  readonly problem: string
  readonly runMs: number
  readonly warnings: readonly string[]
}

/** Makes something of a job present on this machine, and says where it lies. */
type Reach<T> = (job: Job, signal: AbortSignal) => Promise<Result<T, MusterError>>

export interface TryJobDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly views: Views
  readonly blobs: Blobs
  readonly bundler: Bundler
  readonly planner: Planner
  readonly preview: DataPreview
  readonly runtime: ModelRuntime
  readonly jobFiles: JobFileReader
  readonly known: () => Promise<KnownData>
  readonly rootHere: (place: DataPlace) => Promise<Result<string, MusterError>>
  readonly modelPath: Reach<string | undefined>
  readonly modelPaths: Reach<Readonly<Record<string, string>>>
  readonly scriptFolder: Reach<string | undefined>
  readonly sideFolders: Reach<Readonly<Record<string, string>>>
  readonly threads: () => number
  readonly memoryBytes: () => number
  /** Folder of a file and a name below it, as one path. */
  readonly beside: (path: string, name: string) => string
  readonly baseName: (path: string) => string
  readonly folders: DataFolders
}

export const createTryJob =
  (deps: TryJobDeps): TryJob =>
  async (wish, signal) => {
    const read = deps.jobFiles.readRun(wish.text, wish.file, {
      parameters: wish.parameters,
      overrides: wish.overrides,
      known: await deps.known(),
    })
    if (!read.ok) return read
    const { steps, warnings } = read.value
    const step = wish.step === undefined ? steps[0] : steps.find((one) => one.name === wish.step)
    if (step === undefined)
      return err(
        noStep(
          wish.step,
          steps.map((one) => one.name),
        ),
      )
    if (step.wires.length > 0) return err(wired(step.name))
    const placed = await placeFirst(deps, step.job)
    if (!placed.ok) return placed
    const { partitionKeys } = step.job.spec
    const input = await deps.preview.sample(placed.value, partitionKeys, wish.count, signal)
    if (!input.ok) return input
    const start = await prepare(deps, step.job, signal)
    if (!start.ok) return start
    const direct = placed.value.mode === 'direct'
    const directFolders = direct ? { [placed.value.name]: placed.value.root } : {}
    const tried = await run(deps, { ...start.value, directFolders }, input.value)
    return tried.ok ? ok({ ...tried.value, step: step.name, warnings }) : tried
  }

const noStep = (step: string | undefined, steps: readonly string[]): MusterError =>
  musterError('RequestInvalid', `There is no step "${step}"; there are ${steps.join(', ')}.`)

const wired = (step: string): MusterError =>
  musterError(
    'RequestInvalid',
    `Step "${step}" reads what another step writes, so it cannot be tried by itself: try the first step, or give its input a path.`,
  )

/** The first input where it lies on this machine. */
const placeFirst = (
  deps: TryJobDeps,
  { spec, dataPeer }: JobFile,
): Promise<Result<JobInput, MusterError>> => {
  const [input] = spec.inputs
  if (input === undefined) throw new Error('a job file without an input was let through')
  return placeInput(deps, input, dataPeer)
}

const placeSide = async (
  deps: TryJobDeps,
  inputs: readonly JobInput[],
): Promise<Result<readonly JobInput[], MusterError>> => {
  const placed: JobInput[] = []
  for (const input of inputs) {
    const one = await placeInput(deps, input, undefined)
    if (!one.ok) return one
    placed.push(one.value)
  }
  return ok(placed)
}

const placeInput = async (
  deps: TryJobDeps,
  input: JobInput,
  dataPeer: PeerId | undefined,
): Promise<Result<JobInput, MusterError>> => {
  const { share } = input
  if (share === undefined && dataPeer === undefined) return ok(input)
  const root = await deps.rootHere(
    share === undefined
      ? { kind: 'folder', peer: dataPeer ?? deps.self, path: input.root }
      : { kind: 'share', share: share.name, path: share.path },
  )
  return root.ok ? ok({ ...input, root: root.value }) : root
}

type Start = Omit<StartProcess, 'threads' | 'memoryBytes' | 'signal'>

/** A job of a dry run, and the paths of its models that were never registered. */
interface TriedSpec {
  readonly spec: JobSpec
  /** Of the model that needs no name. */
  readonly path?: string
  readonly paths: Readonly<Record<string, string>>
}

/** Model, script and side inputs on this machine. Bytes become blobs that no record names: they are swept. */
const prepare = async (
  deps: TryJobDeps,
  file: JobFile,
  signal: AbortSignal,
): Promise<Result<Start & { readonly signal: AbortSignal }, MusterError>> => {
  const completed =
    file.spec.runtime === 'onnx'
      ? await completeDeclared(deps, file.spec, file.model)
      : await completeScripted(deps, file.spec, file, signal)
  if (!completed.ok) return completed
  const { spec, path, paths } = completed.value
  const { self } = deps
  const job: Job = {
    id: deps.random.jobId(),
    spec,
    submitter: self,
    dataPeer: self,
    keeper: self,
    submittedAt: deps.clock.now(),
  }
  const modelPath = path === undefined ? await deps.modelPath(job, signal) : ok(path)
  if (!modelPath.ok) return modelPath
  const registered = await deps.modelPaths(withoutModels(job, paths), signal)
  if (!registered.ok) return registered
  const folder = await deps.scriptFolder(job, signal)
  if (!folder.ok) return folder
  const sideInputs = await deps.sideFolders(job, signal)
  if (!sideInputs.ok) return sideInputs
  return ok({
    spec,
    job: job.id,
    modelPath: modelPath.value,
    models: { ...registered.value, ...paths },
    ...(folder.value === undefined ? {} : { scriptFolder: folder.value }),
    sideInputs: sideInputs.value,
    signal,
  })
}

type Draft<Runtime extends JobSpec['runtime']> = Extract<JobFile['spec'], { runtime: Runtime }>

const completeDeclared = async (
  deps: TryJobDeps,
  spec: Draft<'onnx'>,
  wanted: JobFile['model'],
): Promise<Result<TriedSpec, MusterError>> => {
  const found = await findModel(deps, wanted)
  if (!found.ok) return found
  const { reference, facts, path } = found.value
  if (reference === undefined)
    throw new Error('a job file without script and model was let through')
  if (facts !== undefined) {
    const fits = deps.runtime.checkFit(spec, facts)
    if (!fits.ok) return fits
  }
  const whole = { ...spec, model: reference, sideInputs: [] }
  return ok({ spec: whole, paths: {}, ...(path === undefined ? {} : { path }) })
}

const completeScripted = async (
  deps: TryJobDeps,
  spec: Draft<'node'>,
  { model: wanted, models: named = [], script }: JobFile,
  signal: AbortSignal,
): Promise<Result<TriedSpec, MusterError>> => {
  if (script === undefined) throw new Error('a job file without its script was let through')
  const found = await findModel(deps, wanted)
  if (!found.ok) return found
  const { reference, path } = found.value
  const bundled = await storeScript(deps, script, signal)
  if (!bundled.ok) return bundled
  const placed = await placeSide(deps, spec.sideInputs)
  if (!placed.ok) return placed
  const side = await storeSideInputs(deps, placed.value, [], signal)
  if (!side.ok) return side
  const models = await findTriedModels(deps, named, reference)
  if (!models.ok) return models
  const whole = {
    ...spec,
    script: bundled.value,
    sideInputs: side.value,
    ...models.value.spec,
    ...(reference === undefined ? {} : { model: reference }),
  }
  return ok({ spec: whole, paths: models.value.paths, ...(path === undefined ? {} : { path }) })
}

type Outcome = Omit<Tried, 'step' | 'warnings'>

/** One process, one mini-batch, ended whatever happens. */
const run = async (
  deps: TryJobDeps,
  start: Start & { readonly signal: AbortSignal },
  input: RunInput,
): Promise<Result<Outcome, MusterError>> => {
  const started = await deps.runtime.start({
    ...start,
    workerIndex: 0,
    threads: deps.threads(),
    memoryBytes: deps.memoryBytes(),
  })
  if (!started.ok) return started
  const process = started.value
  let isLate = false
  const limit = deps.clock.after(start.spec.runLimitMs, () => {
    isLate = true
    process.kill()
  })
  try {
    const outcome = await process.run({ ...input, miniBatch: 0, attempt: 1 })
    return ok(await toTried(deps, outcome, input))
  } catch {
    const exit = await process.exited
    const late = `run() took longer than the ${start.spec.runLimitMs / 1_000} s it may take.`
    return ok({ rows: [], files: [], problem: isLate ? late : exit.message, runMs: 0 })
  } finally {
    limit[Symbol.dispose]()
    process.kill()
    await process.exited
  }
}

const toTried = async (
  { folders }: TryJobDeps,
  outcome: RunOutcome,
  input: RunInput,
): Promise<Outcome> => {
  if (outcome.kind === 'threw')
    return { rows: [], files: [], problem: outcome.message, runMs: outcome.runMs }
  const { items, lines, failures, files, runMs } = outcome
  if (files !== undefined) await folders.discard(files.pack)
  const names = namesOf(input)
  const texts = lines.length === 0 ? [] : new TextDecoder().decode(lines).split('\n')
  const rows = [
    ...items.map((item, i) => ({ item, value: texts[i] ?? null, failure: '' })),
    ...failures.map(({ item, message }) => ({ item, value: null, failure: message })),
  ].toSorted((a, b) => a.item - b.item)
  return {
    rows: rows.map((row) => ({ ...row, name: names[row.item] ?? '' })),
    files: files?.list.map(({ path }) => path) ?? [],
    problem: '',
    runMs,
  }
}

/** Names of the items by their numbers. */
const namesOf = ({ items, table }: RunInput): readonly string[] => {
  if (table === undefined) return items.map(({ name }) => name)
  const names: string[] = []
  for (const { source, firstItem, firstRecord, records } of table.slices)
    for (let i = 0; i < records; i += 1)
      names[firstItem + i] = recordName(table.sources[source]?.name ?? '', firstRecord + i)
  return names
}
