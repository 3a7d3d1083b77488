import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createItemReader } from '#agent/data/items.ts'
import { createPlanner } from '#agent/data/plan/planner.ts'
import type { PlanPosition } from '#agent/ports/plan.ts'
import { MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { FilePlanChunk, PlanChunk } from '#protocol/model/plan.ts'
import { decodePlanChunk, encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { job, specOf } from './specs.ts'
import { oldTime, tempFolder, writeFiles } from './temp.ts'

const forever = new AbortController().signal

const planAll = async (spec: JobSpec, behind?: PlanPosition): Promise<FilePlanChunk[]> => {
  const chunks = await Array.fromAsync(createPlanner().plan(job, spec, behind, forever))
  return chunks.map((chunk) => {
    if (chunk.kind !== 'files') throw new Error('a plan of tables')
    return chunk
  })
}

/** As if one chunk, whose last file is `name`, stood in the ledger. */
const behind = (name: string, firstItem: number, firstMiniBatch: number): PlanPosition => ({
  chunk: 1,
  firstItem,
  firstMiniBatch,
  file: { name, bytes: 0, modifiedMs: 0, input: 0 },
  offset: 0,
  record: 1,
})

const namesOf = (chunks: readonly FilePlanChunk[]): string[] =>
  chunks.flatMap((chunk) => chunk.items.map((item) => item.name))

/** The plain rule: files of a folder first, then its folders, all by the bytes of their names. */
const plainOrder = (names: readonly string[]): string[] => {
  const key = (name: string): [number, Buffer][] => {
    const parts = name.split('/')
    return parts.map((part, i) => [i === parts.length - 1 ? 0 : 1, Buffer.from(part)])
  }
  return names.toSorted((a, b) => {
    const [x, y] = [key(a), key(b)]
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
      const [p, q] = [x[i], y[i]]
      if (p === undefined || q === undefined) break
      const order = p[0] - q[0] || Buffer.compare(p[1], q[1])
      if (order !== 0) return order
    }
    return x.length - y.length
  })
}

describe('the planner', () => {
  it('lists folder by folder with sizes and times, in one last chunk', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'b.txt': 'bb', 'a/2.txt': '2', 'a/10.txt': '', 'B.txt': 'x' })
    const [chunk, ...more] = await planAll(specOf({ root: folder.path }, 3))
    expect(more).toEqual([])
    const modifiedMs = oldTime.getTime()
    expect(chunk).toEqual({
      kind: 'files',
      partitions: [],
      job,
      chunk: 0,
      firstItem: 0,
      firstMiniBatch: 0,
      runs: [
        { count: 1, items: 3 },
        { count: 1, items: 1 },
      ],
      items: [
        { name: 'B.txt', bytes: 1, modifiedMs, input: 0 },
        { name: 'b.txt', bytes: 2, modifiedMs, input: 0 },
        { name: 'a/10.txt', bytes: 0, modifiedMs, input: 0 },
        { name: 'a/2.txt', bytes: 1, modifiedMs, input: 0 },
      ],
      last: true,
    })
  })

  it('orders any tree like a plain sorted walk, and goes on anywhere', async () => {
    const part = fc.stringMatching(/^[a-cZ0-2é\u{ff5e}\u{1f600}][a-c .~é\u{ff5e}\u{1f600}-]{0,3}$/u)
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(path, { minLength: 1, maxLength: 30 }),
        fc.nat(),
        async (names, at) => {
          // A name that is also a folder of another cannot exist.
          const files = names.filter((name) => !names.some((other) => other.startsWith(`${name}/`)))
          await using folder = await tempFolder()
          await writeFiles(folder.path, Object.fromEntries(files.map((name) => [name, ''])))
          const expected = plainOrder(files)
          const spec = specOf({ root: folder.path }, limits.miniBatchItems)
          expect(namesOf(await planAll(spec))).toEqual(expected)
          const after = expected[at % expected.length]
          const resumed = await planAll(spec, behind(after ?? '', 1, 1))
          expect(namesOf(resumed)).toEqual(expected.slice((at % expected.length) + 1))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('cuts chunks at whole mini-batches, and yields the first before the rest is listed', async () => {
    await using folder = await tempFolder()
    const count = 5_007
    for (let i = 0; i < count; i++)
      await writeFile(join(folder.path, `${String(i).padStart(5, '0')}.png`), '')
    const spec = specOf({ root: folder.path, patterns: ['*.png'] }, 30)
    const chunks = await planAll(spec)
    expect(
      chunks.map((c) => [c.chunk, c.firstItem, c.firstMiniBatch, c.items.length, c.last]),
    ).toEqual([
      [0, 0, 0, 990, false],
      [1, 990, 33, 4_017, true],
    ])
    expect(namesOf(chunks)[990]).toBe('00990.png')
    expect(await planAll(spec, behind('00989.png', 990, 33))).toEqual(chunks.slice(1))
    for (const chunk of chunks) expect(decodePlanChunk(encodePlanChunk(chunk))).toEqual(chunk)
    const large = await planAll(specOf({ root: folder.path }, count))
    expect(large.map((c) => c.runs)).toEqual([[{ count: 1, items: count }]])
    expect(decodePlanChunk(encodePlanChunk(large[0] as PlanChunk))).toEqual(large[0])
  })

  it('marks a chunk as the last when the files end exactly with it', async () => {
    await using folder = await tempFolder()
    const files = Array.from({ length: 40 }, (_, i) => [`${i}.txt`, ''] as const)
    await writeFiles(folder.path, Object.fromEntries(files))
    const chunks = await planAll(specOf({ root: folder.path }, 40))
    expect(chunks.map((chunk) => chunk.last)).toEqual([true])
  })

  it('goes on behind the last planned name when files came and went meanwhile', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'b.txt': '', 'c.txt': '', 'd.txt': '', 'x/y.txt': '' })
    const spec = specOf({ root: folder.path }, limits.planChunkItems)
    await writeFiles(folder.path, { 'a-new.txt': '' })
    const [chunk] = await planAll(spec, behind('c.txt', 2 * limits.planChunkItems, 2))
    expect(chunk?.items.map((item) => item.name)).toEqual(['d.txt', 'x/y.txt'])
    expect(chunk?.firstItem).toBe(2 * limits.planChunkItems)
  })

  it('passes over hidden files, links out of the root, links to folders, dead links', async () => {
    await using folder = await tempFolder()
    await using outside = await tempFolder()
    await writeFiles(outside.path, { 'secret.txt': 's' })
    await writeFiles(folder.path, {
      'a.txt': 'a',
      '.hidden': 'h',
      '.git/config': 'c',
      'sub/b.txt': 'b',
    })
    const link = (target: string, name: string) => symlink(target, join(folder.path, name))
    await link(join(outside.path, 'secret.txt'), 'out.txt')
    await link(outside.path, 'out')
    await link('sub', 'sub-again')
    await link('.', 'loop')
    await link('nowhere', 'dead.txt')
    await link('sub/b.txt', 'inside.txt')
    const chunks = await planAll(specOf({ root: folder.path }))
    expect(namesOf(chunks)).toEqual(['a.txt', 'inside.txt', 'sub/b.txt'])
    expect(chunks[0]?.items[1]?.bytes).toBe(1)
  })

  it('plans a file whose name is not UTF-8, so that it fails as an item and in words', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'good.txt': 'g', 'real\ufffd.txt': 'r' })
    const bad = Buffer.concat([
      Buffer.from(`${folder.path}/bad`),
      Buffer.from([0xff]),
      Buffer.from('.txt'),
    ])
    await writeFile(bad, 'b')
    const items = (await planAll(specOf({ root: folder.path })))[0]?.items ?? []
    expect(items.map((item) => item.name)).toEqual(['bad\ufffd.txt', 'good.txt', 'real\ufffd.txt'])
    const reader = createItemReader()
    const contents = await Promise.all(items.map((item) => reader.read(folder.path, item)))
    expect(contents[0]).toEqual({
      ok: false,
      problem: '"bad\ufffd.txt" has a name that is not valid UTF-8: rename the file.',
    })
    expect(contents.slice(1).map((content) => content.ok)).toEqual([true, true])
  })

  it('names a folder whose path is too long instead of leaving it out', async () => {
    await using folder = await tempFolder()
    // Two chains of folders, each short enough to be made, one hung below the other.
    const chain = Array.from({ length: 9 }, () => 'd'.repeat(250)).join('/')
    await mkdir(join(folder.path, chain), { recursive: true })
    await using other = await tempFolder()
    await mkdir(join(other.path, chain), { recursive: true })
    const hook = join(folder.path, chain, 'hook')
    await rename(other.path, hook)
    try {
      const message = await messageOf(planAll(specOf({ root: folder.path })))
      expect(message).toMatch(
        /^The folder "d+.*d" in .* cannot be listed because its path is too long/,
      )
    } finally {
      await rename(hook, other.path)
    }
  })

  it.skipIf(process.getuid?.() === 0)('names a folder that may not be read', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'closed/a.txt': '' })
    await chmod(join(folder.path, 'closed'), 0)
    const message = await messageOf(planAll(specOf({ root: folder.path })))
    await chmod(join(folder.path, 'closed'), 0o700)
    expect(message).toContain('cannot be listed because this user may not read it')
  })

  it('stops at once when it is aborted', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': '' })
    const stop = AbortSignal.abort(new Error('enough'))
    const plan = createPlanner().plan(job, specOf({ root: folder.path }), undefined, stop)
    await expect(Array.fromAsync(plan)).rejects.toThrow('enough')
  })
})

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof MusterFailure)) throw new Error('no MusterFailure', { cause: thrown })
  return thrown.error.message
}

describe('the check before submitting', () => {
  const check = (root: string, patterns = ['**/*']) =>
    createPlanner().check({ kind: 'files', name: 'digits', root, patterns }, [])

  it('is content with one file, also deep down', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a/b/c.png': '' })
    await mkdir(join(folder.path, 'a/empty'))
    expect(await check(folder.path, ['**/*.png'])).toEqual({ ok: true, value: undefined })
  })

  it('names the folder and the pattern when nothing fits', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': '', '.b.png': '' })
    const result = await check(folder.path, ['*.png', '*.jpg'])
    expect(result).toMatchObject({ ok: false, error: { code: 'InputEmpty' } })
    expect(result.ok ? '' : result.error.message).toBe(
      `No file in ${folder.path} matches "*.png" or "*.jpg": correct the path or the pattern of input "digits".`,
    )
    expect(await messageOf(planAll(specOf({ root: folder.path, patterns: ['*.png'] })))).toContain(
      'matches "*.png"',
    )
  })

  it('tells a missing folder from a file', async () => {
    await using folder = await tempFolder()
    await writeFiles(folder.path, { 'a.txt': '' })
    const gone = join(folder.path, 'gone')
    const missing = await check(gone)
    expect(missing).toMatchObject({ ok: false, error: { code: 'InputMissing' } })
    expect(missing.ok ? '' : missing.error.message).toBe(
      `The folder ${gone} of input "digits" does not exist on this machine: correct its path.`,
    )
    const file = await check(join(folder.path, 'a.txt'))
    expect(file.ok ? '' : file.error.message).toContain('is not a folder')
    await rm(join(folder.path, 'a.txt'))
    expect(await check(folder.path)).toMatchObject({ error: { code: 'InputEmpty' } })
  })
})
