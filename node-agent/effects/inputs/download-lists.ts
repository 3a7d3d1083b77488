import type { ItemReader } from '#agent/ports/items.ts'
import type { Planner } from '#agent/ports/plan.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import type { InputAnswer, InputPart, InputRequest } from '#protocol/wire/input/protocol.ts'
import { inputAt } from './in-place.ts'

/** Serves whole inputs to machines that download them: first the list of their files, then ranges of it. */
export interface DownloadLists {
  readonly serve: (job: Job, request: InputRequest) => AsyncIterable<InputAnswer>
}

export interface DownloadListsDeps {
  readonly planner: Planner
  readonly items: ItemReader
}

export const createDownloadLists = (deps: DownloadListsDeps): DownloadLists => {
  const lists = new Map<JobId, Promise<readonly PlannedFile[]>>()

  /** The same list for every range of it, until somebody asks for it anew. */
  const listOf = (job: Job, anew: boolean): Promise<readonly PlannedFile[]> => {
    const known = anew ? undefined : lists.get(job.id)
    const list = known ?? listFiles(deps, job)
    lists.delete(job.id)
    lists.set(job.id, list)
    list.catch(() => lists.delete(job.id))
    for (const oldest of lists.keys()) if (lists.size > limits.downloadLists) lists.delete(oldest)
    return list
  }

  return {
    serve: async function* (job, request) {
      const list = await listOf(job, request.want === 'listing')
      if (request.want === 'listing') return yield* tellList(list)
      const { firstItem, items } = request
      yield* sendFiles(deps, job, firstItem, list.slice(firstItem, firstItem + items))
    },
  }
}

const listFiles = async ({ planner }: DownloadListsDeps, job: Job) => {
  const found: PlannedFile[] = []
  for (const [at, input] of job.spec.inputs.entries()) {
    if (input.mode !== 'download') continue
    const left = limits.downloadFiles - found.length
    const listed = await planner.list(input, left + 1)
    if (!listed.ok) throw new MusterFailure(listed.error)
    if (listed.value.length > left) throw new MusterFailure(tooMany(input.name))
    for (const file of listed.value) found.push({ ...file, input: at })
  }
  return found
}

const tooMany = (input: string) =>
  musterError(
    'ItemTooLarge',
    `Input "${input}" has more than the ${limits.downloadFiles} files that a job may have downloaded: choose fewer by pattern, or leave its mode out.`,
  )

/** About what a part costs beside its name and data. */
const partBytes = 96

function* tellList(list: readonly PlannedFile[]): Generator<InputAnswer> {
  let parts: InputPart[] = []
  let bytes = 0
  for (const [item, { name, bytes: total, modifiedMs, input }] of list.entries()) {
    if (bytes > limits.bulkFrameBytes) {
      yield { parts, last: false }
      parts = []
      bytes = 0
    }
    const data = new Uint8Array()
    parts.push({ item, name, total, offset: 0, data, modifiedMs, input, problem: '' })
    bytes += name.length * 3 + partBytes
  }
  yield { parts, last: true }
}

/** Small files share a frame; each ends with its hash, or with why it cannot be had. */
async function* sendFiles(
  { items }: DownloadListsDeps,
  job: Job,
  first: number,
  files: readonly PlannedFile[],
): AsyncGenerator<InputAnswer> {
  let parts: InputPart[] = []
  let bytes = 0
  for (const [at, file] of files.entries()) {
    const { name, bytes: total, modifiedMs, input } = file
    const base = { item: first + at, name, total, modifiedMs, input, problem: '' }
    const none = new Uint8Array()
    let offset = 0
    for await (const piece of items.copy(inputAt(job, input).root, file)) {
      const data = 'bytes' in piece ? piece.bytes : none
      if (bytes > 0 && bytes + data.length > limits.bulkFrameBytes) {
        yield { parts, last: false }
        parts = []
        bytes = 0
      }
      parts.push({ ...base, ...('bytes' in piece ? {} : piece), offset, data })
      offset += data.length
      bytes += data.length + partBytes
    }
  }
  yield { parts, last: true }
}
