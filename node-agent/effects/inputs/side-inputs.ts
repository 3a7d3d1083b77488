import type { Blobs } from '#agent/ports/blobs.ts'
import type { Planner } from '#agent/ports/plan.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobInput, SideInput } from '#protocol/model/input.ts'
import type { ModelFile } from '#protocol/model/model.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { isUnplaced } from './place-inputs.ts'

export interface SideInputsDeps {
  readonly planner: Planner
  readonly blobs: Blobs
  /** Folder of a file and a name below it, as one path. */
  readonly beside: (path: string, name: string) => string
}

/**
 * Names the files of side inputs by their bytes, so that every worker can have them. One that stands in
 * `before` just so, with its files, is taken over as it is. One that is wired has none yet.
 */
export const storeSideInputs = async (
  deps: SideInputsDeps,
  inputs: readonly JobInput[],
  before: readonly SideInput[],
  signal: AbortSignal,
): Promise<Result<readonly SideInput[], MusterError>> => {
  const found: SideInput[] = []
  for (const input of inputs) {
    const known = before.find((one) => isSame(one, input))
    const stored = known === undefined ? await storeSideInput(deps, input, signal) : ok(known)
    if (!stored.ok) return stored
    found.push(stored.value)
  }
  return ok(found)
}

const isSame = ({ files: _files, ...before }: SideInput, input: JobInput): boolean =>
  textOf(before) === textOf(input)

const textOf = (input: JobInput): string =>
  JSON.stringify(Object.entries(input).toSorted(([a], [b]) => (a < b ? -1 : 1)))

export const storeSideInput = async (
  deps: SideInputsDeps,
  input: JobInput,
  signal: AbortSignal,
): Promise<Result<SideInput, MusterError>> => {
  if (isUnplaced(input)) return ok({ ...input, files: [] })
  const listed = await deps.planner.list(input, limits.sideInputFiles + 1, signal)
  if (!listed.ok) return listed
  const refusal = refusalOf(input, listed.value)
  if (refusal !== undefined) return err(refusal)
  const files: ModelFile[] = []
  for (const { name } of listed.value) {
    // The folder's own name for itself, beside which the file stands.
    const stored = await deps.blobs.putFile(deps.beside(`${input.root}/.`, name), { signal })
    if (!stored.ok) return stored
    files.push({ path: name, ...stored.value })
  }
  return ok({ ...input, files })
}

const refusalOf = (
  { name, root }: JobInput,
  files: readonly PlannedFile[],
): MusterError | undefined => {
  if (files.length === 0)
    return musterError(
      'InputEmpty',
      `No file in ${root} matches the pattern of side input "${name}": correct its path or pattern.`,
    )
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const most = limits.sideInputBytes
  if (files.length <= limits.sideInputFiles && bytes <= most) return undefined
  return musterError(
    'JobFileInvalid',
    files.length > limits.sideInputFiles
      ? `Side input "${name}" has more than ${limits.sideInputFiles} files, all of which every worker would keep: choose fewer by pattern.`
      : `Side input "${name}" has ${bytes} bytes, more than the ${most} that every worker may keep a copy of: choose fewer files by pattern.`,
  )
}
