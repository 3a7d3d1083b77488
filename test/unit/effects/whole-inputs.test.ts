import { appendFile, mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createDataFolders } from '#agent/data/data-folders.ts'
import { createDownloads } from '#agent/data/blobs/downloads.ts'
import { createItemReader } from '#agent/data/items.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { createDownloadLists } from '#agent/effects/inputs/download-lists.ts'
import { createWholeInputs } from '#agent/effects/inputs/whole-inputs.ts'
import type { Downloads } from '#agent/ports/downloads.ts'
import { limits } from '#protocol/limits.ts'
import type { Job } from '#protocol/model/job.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputAnswer } from '#protocol/wire/input/protocol.ts'
import { createMemoryNetwork } from '#test/support/memory-transport.ts'
import { createMachines } from '#test/support/transport-machines.ts'
import { job as id, specOf } from '../data/specs.ts'
import { oldTime, tempFolder, writeFiles } from '../data/temp.ts'

const machines = createMachines(() => {
  const network = createMemoryNetwork()
  return { make: async ({ key, ...member }) => network.join({ self: key.peer, ...member }) }
})
afterEach(machines.disposeAll)

const forever = new AbortController().signal

interface Setting {
  /** What the data's peer says, changed on its way. */
  readonly change?: (answer: InputAnswer) => InputAnswer
  readonly quota?: number
  readonly free?: number
  readonly mode?: 'download' | 'direct'
  /** Whether the owner lets files be opened in place, and where they lie for this machine. */
  readonly inPlace?: boolean
  readonly root?: string
}

/** A job over a folder of one machine, and another machine that downloads it. */
const openOffice = async (home: string, setting: Setting = {}) => {
  const [a, b] = await machines.connectedPair()
  const spec = specOf({ root: join(home, 'data'), mode: setting.mode ?? 'download' })
  const job: Job = { id, spec, submitter: a.peer, dataPeer: a.peer, keeper: a.peer, submittedAt: 0 }
  const lists = createDownloadLists({ planner: createPlanner(), items: createItemReader() })
  const asked: string[] = []
  a.transport.serve(inputProtocol, async function* (_, request) {
    asked.push(`${request.want} ${request.firstItem}+${request.items}`)
    if (request.want === 'paths') return yield { parts: [], last: true }
    for await (const answer of lists.serve(job, request))
      yield setting.change === undefined ? answer : setting.change(answer)
  })
  const real = createDownloads(join(home, 'downloads'))
  const downloads: Downloads = {
    ...real,
    ...(setting.free === undefined ? {} : { freeBytes: () => Promise.resolve(setting.free ?? 0) }),
  }
  const { transport } = b
  const quota = (): number => setting.quota ?? limits.downloadsQuotaBytes
  const clock = { monotonic: () => performance.now() }
  const whole = createWholeInputs({
    transport,
    downloads,
    clock,
    quota,
    folders: createDataFolders(join(home, 'own')),
    mayReadInPlace: () => setting.inPlace ?? true,
    inPlace: { directRoot: () => Promise.resolve(setting.root) },
  })
  const told: string[] = []
  return {
    job,
    asked,
    told,
    folder: downloads.folderOf(id, 0),
    gather: () => whole.gather(job, (sentence) => told.push(sentence), forever),
    drop: () => whole.drop(id),
    restore: (...open: (typeof id)[]) => whole.restore(open),
    ended: () => whole.ended(id),
    folders: () => whole.directFolders(id),
  }
}

const files = { 'a.txt': 'first', 'deep/b.txt': 'second', 'deep/empty.txt': '', 'z.txt': 'last' }

describe('an input that is downloaded', () => {
  it('is there with its names, bytes and times, and gone when its job is over', async () => {
    await using home = await tempFolder()
    const large = Buffer.alloc(3 * limits.bulkFrameBytes + 5, 'x').toString()
    const all = { ...files, 'deep/large.bin': large }
    await writeFiles(join(home.path, 'data'), all)
    const office = await openOffice(home.path)
    expect(await office.gather()).toEqual({ ok: true, value: undefined })
    for (const [name, text] of Object.entries(all)) {
      expect(await readFile(join(office.folder, name), 'utf8')).toBe(text)
      const { mtimeMs } = await stat(join(office.folder, name))
      expect(Math.trunc(mtimeMs)).toBe(oldTime.getTime())
    }
    expect(office.told[0]).toBe(
      'it downloads the inputs of the job; 0 of 5 files and 0 bytes of 768 KB are there.',
    )
    await office.drop()
    await expect(stat(office.folder)).rejects.toThrow('ENOENT')
  })

  it('is fetched again only where something is missing', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const office = await openOffice(home.path)
    await office.gather()
    expect(office.asked).toEqual(['listing 0+1', 'files 0+4'])
    await rm(join(office.folder, 'deep'), { recursive: true })
    await writeFile(join(office.folder, 'a.txt'), 'spoilt')
    expect((await office.gather()).ok).toBe(true)
    expect(await readFile(join(office.folder, 'a.txt'), 'utf8')).toBe('first')
    expect(office.asked.slice(2)).toEqual(['listing 0+1', 'files 0+1', 'files 2+2'])
  })

  it('goes on after a restart with the files that are whole, as far as their hashes say so', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const before = await openOffice(home.path)
    await before.gather()
    // As a power loss leaves it: names, sizes and times are right, bytes are not.
    const path = join(before.folder, 'deep/b.txt')
    const { atime, mtime } = await stat(path)
    await writeFile(path, Buffer.alloc(files['deep/b.txt'].length))
    await utimes(path, atime, mtime)
    await rm(join(before.folder, 'z.txt'))
    await appendFile(join(before.folder, '../whole.jsonl'), '\n["0 z.t')
    await mkdir(join(before.folder, '../unfinished'), { recursive: true })
    await writeFile(join(before.folder, '../unfinished/half'), 'half of a fi')

    const after = await openOffice(home.path)
    await after.restore(id)
    expect(await readdir(join(after.folder, '..'))).toEqual(['0', 'whole.jsonl'])
    expect((await after.gather()).ok).toBe(true)
    expect(after.asked).toEqual(['listing 0+1', 'files 1+2'])
    for (const [name, text] of Object.entries(files))
      expect(await readFile(join(after.folder, name), 'utf8')).toBe(text)
    // What is gathered goes with the job, and not before.
    await after.ended()
    expect(await readFile(path, 'utf8')).toBe('second')

    const last = await openOffice(home.path)
    await last.restore(id)
    expect((await last.gather()).ok).toBe(true)
    expect(last.asked).toEqual(['listing 0+1'])
  })

  it('goes at the next start if its job is over, or when it ends without being run here', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const before = await openOffice(home.path)
    await before.gather()
    const jobFolder = join(before.folder, '..')
    const after = await openOffice(home.path, { quota: 20 })
    await after.restore(id)
    await after.ended()
    await expect(stat(jobFolder)).rejects.toThrow('ENOENT')

    await after.gather()
    await (await openOffice(home.path)).restore()
    expect(await readdir(join(jobFolder, '..'))).toEqual([])
  })

  it('is not there while a file has not the hash it was sent with', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const change = (answer: InputAnswer): InputAnswer => ({
      ...answer,
      parts: answer.parts.map((part) =>
        part.name === 'z.txt' && part.data.length > 0
          ? { ...part, data: Buffer.from('LAST') }
          : part,
      ),
    })
    const office = await openOffice(home.path, { change })
    expect(await office.gather()).toMatchObject({
      ok: false,
      error: { retryable: true, detail: '"z.txt" did not arrive as it was sent' },
    })
    await expect(stat(join(office.folder, 'z.txt'))).rejects.toThrow('ENOENT')
  })

  it('is asked for anew when its folder changed meanwhile; what vanished there is left out', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    let isFirst = true
    const change = (answer: InputAnswer): InputAnswer => {
      const hasData = answer.parts.some(({ data }) => data.length > 0)
      if (!hasData || !isFirst) return answer
      isFirst = false
      return { ...answer, parts: answer.parts.map((part) => ({ ...part, modifiedMs: 1 })) }
    }
    const office = await openOffice(home.path, { change })
    expect(await office.gather()).toMatchObject({
      ok: false,
      error: { detail: 'its folder has changed meanwhile' },
    })
    expect((await office.gather()).ok).toBe(true)
    expect(await readFile(join(office.folder, 'z.txt'), 'utf8')).toBe('last')
  })

  it('never leaves its folder, whatever the other machine says', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const change = (answer: InputAnswer): InputAnswer => ({
      ...answer,
      parts: answer.parts.map((part) =>
        part.name === 'z.txt' ? { ...part, name: '../../../z.txt' } : part,
      ),
    })
    const office = await openOffice(home.path, { change })
    expect(await office.gather()).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('cannot have this name on this machine') },
    })
  })

  it.each([
    [{ quota: 10 }, "The job's inputs have 15 bytes, more than the 10 bytes that its owner gives"],
    [
      { free: limits.downloadSpareBytes + 3 },
      'but its disk has room for 3 bytes beside the 1.0 GB',
    ],
  ])('needs room: %j', async (setting, words) => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const office = await openOffice(home.path, setting)
    const found = await office.gather()
    expect(found).toMatchObject({ ok: false, error: { code: 'DiskFull' } })
    expect(found.ok ? '' : found.error.message).toContain(words)
    expect(office.asked).toEqual(['listing 0+1'])
  })
})

describe('an input whose files the script opens by itself', () => {
  it('is granted where it lies for this machine', async () => {
    await using home = await tempFolder()
    await writeFiles(join(home.path, 'data'), files)
    const office = await openOffice(home.path, { mode: 'direct', root: join(home.path, 'data') })
    expect(office.folders()).toEqual({})
    expect((await office.gather()).ok).toBe(true)
    expect(office.folders()).toEqual({ digits: join(home.path, 'data') })
    await office.drop()
    expect(office.folders()).toEqual({})
  })

  it.each([
    [{ inPlace: false }, 'lets no files be opened where they lie'],
    [{}, 'they lie on another machine and in no share'],
    [{ root: '/nowhere-at-all' }, 'The folder /nowhere-at-all is not on this machine'],
  ])('is out of reach in words: %j', async (setting, words) => {
    await using home = await tempFolder()
    const office = await openOffice(home.path, { mode: 'direct', ...setting })
    const found = await office.gather()
    expect(found).toMatchObject({ ok: false, error: { retryable: false } })
    expect(found.ok ? '' : found.error.message).toContain(words)
  })
})
