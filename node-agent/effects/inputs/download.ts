import type { Clock } from '#agent/ports/clock.ts'
import type { DownloadedFile, Downloads } from '#agent/ports/downloads.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { PlannedFile } from '#protocol/model/plan.ts'
import { unreadableMs } from '#protocol/model/planned-file.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputAnswer, InputPart, InputRequest } from '#protocol/wire/input/protocol.ts'
import { wholeUnreachable } from './input-asking.ts'

/** What inputs are downloaded with. */
export interface DownloadDeps {
  readonly transport: Transport
  readonly downloads: Downloads
  readonly clock: Pick<Clock, 'monotonic'>
  /** Bytes of downloads that the owner allows here. */
  readonly quota: () => number
}

export interface Downloading extends DownloadDeps {
  /** Bytes that the downloads of each job take up here, once they are whole. */
  readonly taken: Map<JobId, number>
  readonly job: Job
  readonly progressed: (sentence: string) => void
  readonly signal: AbortSignal
}

/** Files of the list that are not here yet, in ranges of it. */
export const download = async (downloading: Downloading): Promise<Result<void, MusterError>> => {
  const { downloads, job, signal } = downloading
  try {
    const list = await askList(downloading)
    const room = await takeRoom(downloading, list)
    if (room !== undefined) return err(room)
    const missing = new Set(await downloads.missing(job.id, list.filter(isReadable), signal))
    const progress = createProgress(downloading, list, missing)
    for (const range of rangesOf(list, missing)) {
      const problem = await fetchRange(downloading, list, range, progress)
      if (problem !== undefined) return err(problem)
    }
    return ok(undefined)
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(wholeUnreachable(job, thrownToText(thrown)))
  }
}

/** One that could not be looked at is a failed item, whatever becomes of the others. */
const isReadable = ({ modifiedMs }: PlannedFile): boolean => modifiedMs !== unreadableMs

const ask = (
  { transport, job, signal }: Downloading,
  want: InputRequest['want'],
  { first, count }: Range,
): AsyncIterable<InputAnswer> => {
  const request: InputRequest = { job: job.id, firstItem: first, items: count, want }
  return transport.request(job.dataPeer, inputProtocol, request, signal)
}

const askList = async (downloading: Downloading): Promise<readonly PlannedFile[]> => {
  const list: PlannedFile[] = []
  const { inputs } = downloading.job.spec
  for await (const { parts } of ask(downloading, 'listing', { first: 0, count: 1 }))
    for (const { name, total, modifiedMs, input } of parts) {
      if (list.length >= limits.downloadFiles || inputs[input]?.mode !== 'download')
        throw new MusterFailure(
          wholeUnreachable(downloading.job, 'its list of files makes no sense'),
        )
      list.push({ name, bytes: total, modifiedMs, input })
    }
  return list
}

/** Why there is no room for all of it; undefined: there is, and it is set aside. */
const takeRoom = async (
  { taken, job, quota, downloads, signal }: Downloading,
  list: readonly PlannedFile[],
): Promise<MusterError | undefined> => {
  const bytes = bytesOf(list)
  const others = [...taken].reduce((sum, [id, size]) => (id === job.id ? sum : sum + size), 0)
  const refused = (why: string): MusterError =>
    musterError('DiskFull', `The job's inputs have ${sizeText(bytes)}, ${why}`)
  if (others + bytes > quota()) {
    const beside = others === 0 ? '' : `, of which other jobs use ${sizeText(others)}`
    return refused(
      `more than the ${sizeText(quota())} that its owner gives to downloads${beside}: \`muster settings set downloads-quota SIZE\` there changes that.`,
    )
  }
  const missing = bytesOf(await downloads.missing(job.id, list, signal))
  const free = (await downloads.freeBytes()) - limits.downloadSpareBytes
  if (missing > free)
    return refused(
      `but its disk has room for ${sizeText(Math.max(0, free))} beside the ${sizeText(limits.downloadSpareBytes)} that stay free: free some space there.`,
    )
  taken.set(job.id, bytes)
  return undefined
}

const bytesOf = (files: readonly PlannedFile[]): number =>
  files.reduce((sum, file) => sum + file.bytes, 0)

/** As people say it. */
const sizeText = (bytes: number): string => {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  let size = bytes
  let unit = 0
  for (; size >= 1024 && unit < units.length - 1; unit += 1) size /= 1024
  return `${unit === 0 || size >= 10 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ''}`
}

interface Range {
  readonly first: number
  readonly count: number
}

/** Neighbours that are missing, as many at a time as a request shall bring. */
function* rangesOf(
  list: readonly PlannedFile[],
  missing: ReadonlySet<PlannedFile>,
): Generator<Range> {
  let first = 0
  let count = 0
  let bytes = 0
  for (const [at, file] of list.entries()) {
    const isWanted = missing.has(file)
    const isFull =
      count >= limits.downloadPartFiles || bytes + file.bytes > limits.downloadPartBytes
    if (count > 0 && (!isWanted || isFull)) {
      yield { first, count }
      count = 0
    }
    if (!isWanted) continue
    if (count === 0) [first, bytes] = [at, 0]
    count += 1
    bytes += file.bytes
  }
  if (count > 0) yield { first, count }
}

interface Progress {
  readonly wrote: (bytes: number) => void
  readonly finished: () => void
}

const createProgress = (
  { clock, progressed }: Downloading,
  list: readonly PlannedFile[],
  missing: ReadonlySet<PlannedFile>,
): Progress => {
  const all = bytesOf(list)
  let bytes = all - bytesOf([...missing])
  let files = list.length - missing.size
  let told = 0
  const tell = (): void => {
    told = clock.monotonic()
    progressed(
      `it downloads the inputs of the job; ${files} of ${list.length} files and ${sizeText(bytes)} of ${sizeText(all)} are there.`,
    )
  }
  tell()
  return {
    wrote: (more) => {
      bytes += more
      if (clock.monotonic() - told >= limits.downloadTellMs) tell()
    },
    finished: () => {
      files += 1
    },
  }
}

/** Writes the files of one range as their parts come. A sentence: none of it can be had now. */
const fetchRange = async (
  downloading: Downloading,
  list: readonly PlannedFile[],
  range: Range,
  progress: Progress,
): Promise<MusterError | undefined> => {
  await using open = createOpenFile(downloading, list)
  for await (const { parts } of ask(downloading, 'files', range))
    for (const part of parts) {
      const problem = await open.take(part, progress)
      if (problem !== undefined) return problem
    }
  const end = range.first + range.count
  return open.next() === end || open.next() === undefined
    ? undefined
    : wholeUnreachable(downloading.job, 'some files did not come')
}

interface OpenFile extends AsyncDisposable {
  readonly take: (part: InputPart, progress: Progress) => Promise<MusterError | undefined>
  /** Number of the file that must come next; undefined before the first. */
  readonly next: () => number | undefined
}

/** The file whose parts come now. */
const createOpenFile = (
  { downloads, job }: Downloading,
  list: readonly PlannedFile[],
): OpenFile => {
  let current: { readonly item: number; readonly file: DownloadedFile } | undefined
  let next: number | undefined
  const close = async (): Promise<void> => {
    await current?.file[Symbol.asyncDispose]()
    current = undefined
  }
  const begin = async (part: InputPart): Promise<MusterError | undefined> => {
    const planned = list[part.item]
    const isSame =
      planned?.name === part.name &&
      planned.bytes === part.total &&
      planned.modifiedMs === part.modifiedMs &&
      planned.input === part.input
    if (planned === undefined || !isSame)
      return wholeUnreachable(job, 'its folder has changed meanwhile')
    const opened = await downloads.open(job.id, planned)
    if (!opened.ok) return opened.error
    current = { item: part.item, file: opened.value }
    return undefined
  }
  return {
    next: () => next,
    take: async (part, progress) => {
      if (current?.item !== part.item) {
        await close()
        const problem = await begin(part)
        if (problem !== undefined) return problem
      }
      if (current === undefined) return wholeUnreachable(job, 'its parts make no sense')
      if (part.problem === '') {
        const written = await current.file.write(part.data)
        if (!written.ok) return written.error
        progress.wrote(part.data.length)
        if (part.sha256 === undefined) return undefined
        const whole = await current.file.finish(part.sha256)
        if (!whole.ok) return whole.error
        if (!whole.value)
          return wholeUnreachable(job, `"${part.name}" did not arrive as it was sent`)
      }
      // A file that changed or vanished there is a failed item when its turn comes.
      next = part.item + 1
      progress.finished()
      await close()
      return undefined
    },
    [Symbol.asyncDispose]: close,
  }
}
