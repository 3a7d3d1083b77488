import { createMemoryBook } from '#agent/effects/worker/memory-book.ts'
import type { MemoryBook } from '#agent/effects/worker/memory-book.ts'
import { memoryKindText } from '#agent/job/memory-kind.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Job } from '#protocol/model/job.ts'
import type { ModelFile } from '#protocol/model/model.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { CoreParts } from './core-parts.ts'

type FolderParts = Pick<CoreParts, 'adapters' | 'exchange' | 'slots'>

/** Where a job's model, script and side inputs lie on this machine; they are fetched if they do not yet. */
export const createJobFolders = (core: FolderParts) => ({
  modelPath: (job: Job, signal: AbortSignal) => modelPath(core, job, signal),
  modelPaths: (job: Job, signal: AbortSignal) => modelPaths(core, job, signal),
  scriptFolder: (job: Job, signal: AbortSignal) => scriptFolder(core, job, signal),
  sideFolders: (job: Job, signal: AbortSignal) => sideFolders(core, job, signal),
  memoryBytes: () => memoryBytes(core),
})

/** What one worker process may use. */
const memoryBytes = ({ adapters, slots }: FolderParts): number =>
  adapters.host.facts().memoryBytes / 2 / Math.max(1, slots())

/** What is remembered of jobs that ran out of memory here. */
export const joinMemory = (core: FolderParts): MemoryBook => {
  const { clock, log, views, sha256 } = core.adapters
  return createMemoryBook({
    clock,
    log,
    views,
    memoryBytes: () => memoryBytes(core),
    kindOf: (spec) => sha256(memoryKindText(spec)),
  })
}

/** Makes the job's model present here, from whoever holds it; undefined if the job has none. */
const modelPath = async (
  core: FolderParts,
  job: Job,
  signal: AbortSignal,
): Promise<Result<string | undefined, MusterError>> => {
  const { model } = job.spec
  if (model === undefined) return ok(undefined)
  const fetched = await fetchFiles(core, job, model.files, signal)
  return fetched.ok ? core.adapters.modelFolder.place(model) : fetched
}

/** The same for the models that its script asks for by name. */
const modelPaths = async (
  core: FolderParts,
  job: Job,
  signal: AbortSignal,
): Promise<Result<Readonly<Record<string, string>>, MusterError>> => {
  const paths: (readonly [string, string])[] = []
  for (const model of job.spec.runtime === 'node' ? (job.spec.models ?? []) : []) {
    const fetched = await fetchFiles(core, job, model.files, signal)
    if (!fetched.ok) return fetched
    const placed = await core.adapters.modelFolder.place(model)
    if (!placed.ok) return placed
    paths.push([model.alias, placed.value])
  }
  return ok(Object.fromEntries(paths))
}

/** The same for its script: the folder in which it lies. */
const scriptFolder = async (
  core: FolderParts,
  job: Job,
  signal: AbortSignal,
): Promise<Result<string | undefined, MusterError>> => {
  if (job.spec.runtime !== 'node') return ok(undefined)
  const { script } = job.spec
  const fetched = await fetchFiles(core, job, script.files, signal)
  return fetched.ok ? core.adapters.scriptFolder.place(script) : fetched
}

/** The same for its side inputs: folders by name. */
const sideFolders = async (
  core: FolderParts,
  job: Job,
  signal: AbortSignal,
): Promise<Result<Readonly<Record<string, string>>, MusterError>> => {
  const folders: (readonly [string, string])[] = []
  for (const input of job.spec.sideInputs) {
    const fetched = await fetchFiles(core, job, input.files, signal)
    if (!fetched.ok) return fetched
    const placed = await core.adapters.sideFolder.place(input)
    if (!placed.ok) return placed
    folders.push([input.name, placed.value])
  }
  return ok(Object.fromEntries(folders))
}

const fetchFiles = async (
  { adapters, exchange }: FolderParts,
  job: Job,
  files: readonly ModelFile[],
  signal: AbortSignal,
): Promise<Result<void, MusterError>> => {
  const holders = [job.submitter, job.keeper, ...adapters.transport.connected()]
  for (const file of files) {
    const fetched = await exchange.fetch(file.blob, holders, signal)
    if (!fetched.ok) return fetched
  }
  return ok(undefined)
}
