import type { Blobs } from '#agent/ports/blobs.ts'
import type { Bundler } from '#agent/ports/bundler.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type { JobFile, JobFileReader, WantedModel } from '#agent/ports/job-file.ts'
import type { Planner } from '#agent/ports/plan.ts'
import type { Shares } from '#agent/ports/data.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { OutputWriter } from '#agent/ports/output.ts'
import type { Random } from '#agent/ports/random.ts'
import type { ModelRuntime } from '#agent/ports/runtime.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { JobSpec, ScriptReference } from '#protocol/model/job.ts'
import type { SideInput } from '#protocol/model/input.ts'
import type { Role } from '#protocol/model/member.ts'
import type { Model, ModelFile } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { checkPlace } from '../keeper/job-output.ts'
import { findNamedModels, toReference } from './named-models.ts'
import { placeInputs } from '../inputs/place-inputs.ts'
import { storeSideInputs } from '../inputs/side-inputs.ts'
import { checkPool } from './pool-check.ts'
import { storeScript } from './store-script.ts'

/** What a runner asks for: models registered, jobs made ready and canceled. */
export interface Submitting {
  readonly registerModel: (
    wish: ModelWish,
    signal: AbortSignal,
  ) => Promise<Result<Model, MusterError>>
  /** Why this machine may not do something that needs the role `submit`; undefined if it may. */
  readonly refusal: (toDo: string) => MusterError | undefined
  /**
   * A job file with its inputs looked at, its model found and its script bundled, or `recorded` ones taken.
   * Inputs without a place (they are wired) are left as they are.
   */
  readonly prepare: (
    file: JobFile,
    recorded: Recorded,
    signal: AbortSignal,
  ) => Promise<Result<JobSpec, MusterError>>
  readonly cancel: (job: JobId) => Promise<Result<void, MusterError>>
}

/** What an earlier job was recorded with, to be used again whatever became of its source. */
export interface Recorded {
  readonly script?: ScriptReference
  readonly sideInputs?: readonly SideInput[]
}

export interface ModelWish {
  readonly path: string
  readonly name: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
}

export interface SubmittingDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Ledger
  readonly views: Views
  readonly blobs: Blobs
  readonly runtime: ModelRuntime
  readonly planner: Planner
  readonly jobFiles: JobFileReader
  readonly shares: Shares
  /** What the owner of this machine mapped: share name -> folder. */
  readonly mappedShares: () => Readonly<Record<string, string>>
  readonly bundler: Bundler
  readonly writer: OutputWriter
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  /** Folder of a file and a name below it, as one path. */
  readonly beside: (path: string, name: string) => string
  readonly baseName: (path: string) => string
  readonly nameOf: (peer: PeerId) => string
}

export const createSubmitting = (deps: SubmittingDeps): Submitting => ({
  registerModel: (wish, signal) => registerModel(deps, wish, signal),
  refusal: (toDo) => refusalFor(deps, 'submit', toDo),
  prepare: (file, recorded, signal) => prepare(deps, file, recorded, signal),
  cancel: (job) => cancel(deps, job),
})

/** Why this machine may not do something; undefined if it may. */
export const refusalFor = (
  deps: Pick<SubmittingDeps, 'ledger' | 'rolesOf' | 'self'>,
  role: Role,
  toDo: string,
): MusterError | undefined => {
  if (deps.ledger.cluster() === null) return notInCluster
  if (deps.rolesOf(deps.self).includes(role)) return undefined
  return musterError(
    'RoleMissing',
    `This machine may not ${toDo}: it lacks the role "${role}"; an admin can invite it again with \`muster cluster invite --roles ${role}\`.`,
  )
}

/** The same bytes under the same name are the same version, unless a new description is given. */
const registerModel = async (
  deps: SubmittingDeps,
  wish: ModelWish,
  signal: AbortSignal,
): Promise<Result<Model, MusterError>> => {
  const refusal = refusalFor(deps, 'submit', 'register models')
  if (refusal !== undefined) return err(refusal)
  const inspected = await deps.runtime.inspect(wish.path)
  if (!inspected.ok) return inspected
  const { facts, path, files: names } = inspected.value
  const files = await storeFiles(deps, path, names, signal)
  if (!files.ok) return files
  const newest = await deps.views.model(wish.name)
  if (newest !== undefined && sameFiles(newest.files, files.value) && wish.description === '')
    return ok(newest)
  const model: Model = {
    name: wish.name,
    version: (newest?.version ?? 0) + 1,
    files: files.value,
    description: wish.description,
    tags: wish.tags,
    facts,
    registeredBy: deps.self,
    registeredAt: deps.clock.now(),
  }
  const added = await deps.ledger.append([{ kind: 'model-registered', model }])
  return added.ok ? ok(model) : added
}

const storeFiles = async (
  deps: SubmittingDeps,
  path: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Result<readonly ModelFile[], MusterError>> => {
  const files: ModelFile[] = []
  for (const name of names) {
    const stored = await deps.blobs.putFile(deps.beside(path, name), { signal })
    if (!stored.ok) return stored
    files.push({ path: name, ...stored.value })
  }
  return ok(files)
}

const findModel = async (
  deps: SubmittingDeps,
  wanted: WantedModel,
  signal: AbortSignal,
): Promise<Result<Model, MusterError>> => {
  if (wanted.kind === 'path') {
    const name = deps
      .baseName(wanted.path)
      .replace(/\.onnx$/, '')
      .slice(0, limits.memberNameLength)
    const wish = { path: wanted.path, name, description: '', tags: {} }
    return registerModel(deps, wish, signal)
  }
  const model = await deps.views.model(wanted.name, wanted.version)
  if (model !== undefined) return ok(model)
  const known = (await deps.views.models()).map((one) => one.name)
  const names = [...new Set(known)].slice(0, 8).join(', ')
  const version = wanted.version === undefined ? '' : `:${wanted.version}`
  return err(
    musterError(
      'ModelUnknown',
      `No model "${wanted.name}${version}" is registered; ${names === '' ? 'none is yet' : `there are ${names}`}. Register it with \`muster model register PATH --name ${wanted.name}\`.`,
    ),
  )
}

/** Everything that can be found wrong is found before a record is written. */
const prepare = async (
  deps: SubmittingDeps,
  file: JobFile,
  recorded: Recorded,
  signal: AbortSignal,
): Promise<Result<JobSpec, MusterError>> => {
  const placed = await placeFile(deps, file, signal)
  if (!placed.ok) return placed
  const { script } = placed.value
  return completeSpec(deps, placed.value, signal, {
    script: async () => {
      if (recorded.script !== undefined) return ok(recorded.script)
      return script === undefined ? lostScript() : storeScript(deps, script, signal)
    },
    sideInputs: recorded.sideInputs ?? [],
  })
}

/** The inputs where they lie on this machine, looked at. */
const placeFile = async (
  deps: SubmittingDeps,
  file: JobFile,
  signal: AbortSignal,
): Promise<Result<JobFile, MusterError>> => {
  const placed = await placeInputs(deps, file, signal)
  if (!placed.ok) return placed
  const free = await checkPlace(deps.writer, file.spec)
  if (!free.ok) return free
  const pools = (await deps.views.pools()).map(({ name }) => name)
  const pool = checkPool(pools, file.spec.pool)
  if (!pool.ok) return pool
  return ok({ ...file, spec: { ...file.spec, ...placed.value } })
}

/** What a spec takes from the file it was read from, or from the job it is submitted anew of. */
interface Taken {
  readonly script: () => Promise<Result<ScriptReference, MusterError>>
  readonly sideInputs: readonly SideInput[]
}

/** Looks the model up, takes the bundled script, and checks that what is declared fits the model. */
const completeSpec = async (
  deps: SubmittingDeps,
  { spec, model: wanted, models: named = [] }: JobFile,
  signal: AbortSignal,
  taken: Taken,
): Promise<Result<JobSpec, MusterError>> => {
  const model = wanted === undefined ? undefined : await findModel(deps, wanted, signal)
  if (model?.ok === false) return model
  const found = model?.value
  const reference = found && toReference(found)
  if (spec.runtime === 'onnx') {
    if (found === undefined || reference === undefined)
      throw new Error('a job file without script and model was let through')
    const fits = deps.runtime.checkFit(spec, found.facts)
    return fits.ok ? ok({ ...spec, model: reference, sideInputs: [] }) : fits
  }
  const bundled = await taken.script()
  if (!bundled.ok) return bundled
  const side = await storeSideInputs(deps, spec.sideInputs, taken.sideInputs, signal)
  if (!side.ok) return side
  const find = (one: WantedModel) => findModel(deps, one, signal)
  const models = await findNamedModels(named, reference, find)
  if (!models.ok) return models
  const whole = { ...spec, script: bundled.value, sideInputs: side.value, ...models.value }
  return ok(reference === undefined ? whole : { ...whole, model: reference })
}

const lostScript = (): never => {
  throw new Error('a job file without its script was let through')
}

const cancel = async (deps: SubmittingDeps, id: JobId): Promise<Result<void, MusterError>> => {
  const fold = await deps.views.job(id)
  if (fold === undefined) return err(musterError('JobUnknown', `There is no job ${id}.`))
  if (fold.sealed !== null || fold.closed !== null)
    return err(
      musterError(
        'JobEnded',
        `Job ${fold.job.spec.name} has ended already; there is nothing left to cancel.`,
      ),
    )
  if (fold.job.submitter !== deps.self && !deps.rolesOf(deps.self).includes('admin'))
    return err(musterError('RoleMissing', 'Only the submitter of a job or an admin may cancel it.'))
  if (fold.cancelRequestedAt !== null) return ok(undefined)
  const at = deps.clock.now()
  const added = await deps.ledger.append([{ kind: 'job-cancel-requested', job: id, at }])
  return added.ok ? ok(undefined) : added
}

export const notInCluster = musterError(
  'NotInCluster',
  'This machine is in no cluster yet; create one with `muster cluster create NAME` or join one with `muster cluster join CODE`.',
)

const sameFiles = (a: readonly ModelFile[], b: readonly ModelFile[]): boolean =>
  a.length === b.length && a.every((file, i) => file.blob === b[i]?.blob && file.path === b[i].path)
