import type { DataPreview, Preview } from '#agent/ports/data.ts'
import type { JobFileReader, KnownData } from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { JobInput } from '#protocol/model/input.ts'
import type { DataPlace } from '#protocol/model/registry.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Looks into what an input of a job would be, in the words of a job file. */
export type PreviewData = (
  input: unknown,
  count: number,
  signal: AbortSignal,
) => Promise<Result<Preview, MusterError>>

export interface PreviewDeps {
  readonly jobFiles: JobFileReader
  readonly preview: DataPreview
  readonly known: () => Promise<KnownData>
  /** Where a place lies on this very machine. */
  readonly rootHere: (place: DataPlace) => Promise<Result<string, MusterError>>
}

export const createPreviewData =
  (deps: PreviewDeps): PreviewData =>
  async (given, count, signal) => {
    const input = await inputHere(deps, given)
    return input.ok ? deps.preview.first(input.value, count, signal) : input
  }

/** The bytes of one file of an input, for a look at it; at most `limits.pictureBytes`. */
export type PreviewFile = (input: unknown, name: string) => Promise<Result<Uint8Array, MusterError>>

export const createPreviewFile =
  (deps: PreviewDeps): PreviewFile =>
  async (given, name) => {
    const input = await inputHere(deps, given)
    return input.ok ? deps.preview.file(input.value, name, limits.pictureBytes) : input
  }

/** An input with its root on this machine. */
const inputHere = async (
  deps: PreviewDeps,
  given: unknown,
): Promise<Result<JobInput, MusterError>> => {
  const read = readInput(deps.jobFiles, given, await deps.known())
  if (!read.ok) return read
  const { input, dataPeer } = read.value
  const place = placeOf(input, dataPeer)
  const root = place === undefined ? ok(input.root) : await deps.rootHere(place)
  return root.ok ? ok({ ...input, root: root.value }) : root
}

/** Where an input lies, unless it is a folder of this machine. */
const placeOf = (input: JobInput, peer: PeerId | undefined): DataPlace | undefined => {
  if (input.share !== undefined)
    return { kind: 'share', share: input.share.name, path: input.share.path }
  return peer === undefined ? undefined : { kind: 'folder', peer, path: input.root }
}

/** The only rules of inputs are those of job files, so the input is read as part of one. */
const readInput = (
  jobFiles: JobFileReader,
  given: unknown,
  known: KnownData,
): Result<{ readonly input: JobInput; readonly dataPeer: PeerId | undefined }, MusterError> => {
  const text = JSON.stringify({
    name: 'preview',
    entry_script: '/preview.ts',
    inputs: { data: given },
  })
  const file = jobFiles.read(text, '/preview.yaml', {}, known)
  if (!file.ok) {
    // Nobody wrote this file: a place in it means nothing.
    const { code, message, retryable } = file.error
    return err({ code, message: message.replaceAll('"inputs.data', '"data'), retryable })
  }
  const [input] = file.value.spec.inputs
  if (input === undefined) throw new Error('a job file without an input was let through')
  return ok({ input, dataPeer: file.value.dataPeer })
}
