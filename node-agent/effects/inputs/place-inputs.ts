import type { JobFile } from '#agent/ports/job-file.ts'
import type { Planner } from '#agent/ports/plan.ts'
import type { Shares } from '#agent/ports/data.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobDraft } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

export interface PlacingDeps {
  readonly planner: Planner
  readonly shares: Shares
  /** What the owner of this machine mapped: share name -> folder. */
  readonly mappedShares: () => Readonly<Record<string, string>>
}

/** The inputs of a job where they lie on this machine; those that are split are looked at. */
export const placeInputs = async (
  deps: PlacingDeps,
  { spec: draft, dataPeer }: Pick<JobFile, 'spec' | 'dataPeer'>,
  signal: AbortSignal,
): Promise<Result<Pick<JobDraft, 'inputs' | 'sideInputs'>, MusterError>> => {
  const inputs = await placeAll(deps, draft.inputs)
  if (!inputs.ok) return inputs
  for (const input of inputs.value) {
    // What lies on another machine is looked at there, when it is planned.
    if (isUnplaced(input) || dataPeer !== undefined) continue
    const checked = await deps.planner.check(input, draft.partitionKeys, signal)
    if (!checked.ok) return checked
  }
  const sideInputs = await placeAll(deps, draft.sideInputs)
  return sideInputs.ok ? ok({ inputs: inputs.value, sideInputs: sideInputs.value }) : sideInputs
}

/** A wired input lies nowhere before its source has run. */
export const isUnplaced = ({ root, share }: JobInput): boolean => root === '' && share === undefined

const placeAll = async (
  deps: PlacingDeps,
  inputs: readonly JobInput[],
): Promise<Result<readonly JobInput[], MusterError>> => {
  const placed: JobInput[] = []
  for (const input of inputs) {
    const one = await placeInput(deps, input)
    if (!one.ok) return one
    placed.push(one.value)
  }
  return ok(placed)
}

/** An input in a share gets the folder that the share has on this machine. */
const placeInput = async (
  { shares, mappedShares }: PlacingDeps,
  input: JobInput,
): Promise<Result<JobInput, MusterError>> => {
  const { share } = input
  if (share === undefined) return ok(input)
  const mapped = mappedShares()
  const folder = Object.hasOwn(mapped, share.name) ? mapped[share.name] : undefined
  if (folder === undefined)
    return err(
      musterError(
        'InputMissing',
        `Input "${input.name}" is in the share "${share.name}", which is not mapped on this machine; map it with \`muster settings set share.${share.name} FOLDER\`.`,
      ),
    )
  const found = await shares.resolve(folder, share)
  return found.ok ? ok({ ...input, root: found.value }) : found
}
