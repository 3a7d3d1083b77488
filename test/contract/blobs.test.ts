import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempDisposable, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { Blobs } from '#agent/ports/blobs.ts'
import { createBlobs } from '#agent/data/blobs/blobs.ts'
import { writeRowFile } from '#agent/data/output/row-file.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { asBlobHash } from '#protocol/model/ids.ts'
import type { BlobHash } from '#protocol/model/ids.ts'

const tempFolder = () => mkdtempDisposable(join(tmpdir(), 'muster-blobs-'))
const hashOf = (bytes: Uint8Array): BlobHash =>
  asBlobHash(createHash('sha256').update(bytes).digest('hex'))

const putOk = async (blobs: Blobs, bytes: Uint8Array): Promise<BlobHash> => {
  const put = await blobs.put(bytes)
  if (!put.ok) throw new Error(put.error.message)
  return put.value
}

/** Names of every file below a blob folder that is neither a visible blob nor one of the kept folders. */
const leftovers = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  return names
    .filter((entry) => entry.isFile() && !/^[0-9a-f]{2}$/.test(basename(entry.parentPath)))
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Every visible blob with the hash of what it holds. */
const visible = async (folder: string): Promise<[BlobHash, BlobHash][]> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names.filter(
    (entry) => entry.isFile() && /^[0-9a-f]{2}$/.test(basename(entry.parentPath)),
  )
  return Promise.all(
    files.map(async (entry): Promise<[BlobHash, BlobHash]> => {
      const bytes = await readFile(join(entry.parentPath, entry.name))
      return [asBlobHash(basename(entry.parentPath) + entry.name), hashOf(bytes)]
    }),
  )
}

async function* inParts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const collect = async (parts: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(parts, (part) => Buffer.from(part)))

describe('blobs', () => {
  it('come back by their hash, in one piece and in frames', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    for (const bytes of [Buffer.alloc(0), Buffer.from('x'), randomBytes(3_000_001)]) {
      const blob = await putOk(blobs, bytes)
      expect(blob).toBe(hashOf(bytes))
      expect(await blobs.has(blob)).toBe(true)
      expect(await blobs.size(blob)).toBe(bytes.length)
      expect(await blobs.read(blob)).toEqual({ ok: true, value: bytes })
      expect(blobs.path(blob)).toBe(join(folder.path, blob.slice(0, 2), blob.slice(2)))
      const copied = (frame: Uint8Array): Buffer => Buffer.from(frame)
      const large = { offset: 0, frameBytes: 70_000 }
      const frames = await Array.fromAsync(blobs.stream(blob, large), copied)
      expect(frames.every((frame) => frame.length <= 70_000)).toBe(true)
      expect(Buffer.concat(frames)).toEqual(bytes)
      expect(await collect(blobs.stream(blob, { offset: 5, frameBytes: 1_000 }))).toEqual(
        bytes.subarray(5),
      )
    }
    expect(await leftovers(folder.path)).toEqual([])
  })

  it('are missing in words, and forgotten when deleted', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const blob = await putOk(blobs, Buffer.from('x'))
    await blobs.delete(blob)
    await blobs.delete(blob)
    expect(await blobs.has(blob)).toBe(false)
    expect(await blobs.size(blob)).toBeUndefined()
    const missing = { ok: false, error: { code: 'BlobMissing' } }
    expect(await blobs.read(blob)).toMatchObject(missing)
    await expect(collect(blobs.stream(blob, { offset: 0, frameBytes: 100 }))).rejects.toThrow(
      'is not on this machine',
    )
    expect(() => blobs.path(asBlobHash('../../etc/passwd'))).toThrow("no blob's name")
  })

  it('may be put by many at once', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const bytes = randomBytes(500_000)
    const source = join(folder.path, 'source.bin')
    await writeFile(source, bytes)
    const blob = hashOf(bytes)
    const puts = Array.from({ length: 8 }, () => blobs.put(bytes))
    const files = Array.from({ length: 8 }, () => blobs.putFile(source))
    const streams = Array.from({ length: 8 }, () => blobs.putStream(blob, 0, inParts(bytes, 9_999)))
    expect(await Promise.all(puts)).toEqual(puts.map(() => ({ ok: true, value: blob })))
    expect(await Promise.all(files)).toEqual(
      files.map(() => ({ ok: true, value: { blob, bytes: bytes.length } })),
    )
    expect(await Promise.all(streams)).toEqual(
      streams.map(() => ({ ok: true, value: bytes.length })),
    )
    expect(await visible(folder.path)).toEqual([[blob, blob]])
    expect(await leftovers(folder.path)).toEqual([source])
  })

  it('are copies: the file they came from may change', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: join(folder.path, 'blobs') })
    const source = join(folder.path, 'model.onnx')
    await writeFile(source, 'first')
    const put = await blobs.putFile(source)
    if (!put.ok) throw new Error(put.error.message)
    await writeFile(source, 'other')
    expect((await stat(blobs.path(put.value.blob))).nlink).toBe(1)
    expect(await blobs.read(put.value.blob)).toEqual({ ok: true, value: Buffer.from('first') })
  })

  it('refuse what is no file, and stop when told', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: join(folder.path, 'blobs') })
    const fifo = join(folder.path, 'pipe')
    execFileSync('mkfifo', [fifo])
    for (const path of [folder.path, fifo, join(folder.path, 'none')])
      expect(await blobs.putFile(path)).toMatchObject({ ok: false, error: { code: 'NotFound' } })
    const source = join(folder.path, 'source.bin')
    await writeFile(source, randomBytes(100_000))
    expect(await blobs.putFile(source, { signal: AbortSignal.abort() })).toMatchObject({
      ok: false,
      error: { code: 'Aborted' },
    })
    expect(await leftovers(join(folder.path, 'blobs'))).toEqual([])
  })
})

describe('damage on the disk', () => {
  const damaged = async (folder: string): Promise<{ blobs: Blobs; blob: BlobHash }> => {
    const blobs = createBlobs({ folder })
    const blob = await putOk(blobs, Buffer.from('hello'))
    await writeFile(blobs.path(blob), 'hallo')
    return { blobs, blob }
  }

  it('is noticed by a read, which sets the file aside', async () => {
    await using folder = await tempFolder()
    const { blobs, blob } = await damaged(folder.path)
    expect(await blobs.read(blob)).toMatchObject({ ok: false, error: { code: 'BlobCorrupt' } })
    expect(await blobs.has(blob)).toBe(false)
    const [aside = ''] = await leftovers(folder.path)
    expect(dirname(aside)).toBe(join(folder.path, 'corrupt'))
    expect(await putOk(blobs, Buffer.from('hello'))).toBe(blob)
    expect(await blobs.read(blob)).toMatchObject({ ok: true })
  })

  it('is noticed at the end of a stream', async () => {
    await using folder = await tempFolder()
    const { blobs, blob } = await damaged(folder.path)
    await expect(
      collect(blobs.stream(blob, { offset: 0, frameBytes: 2, check: true })),
    ).rejects.toThrow(MusterFailure)
    expect(await blobs.has(blob)).toBe(false)
  })

  it('is mended by a put where the size tells', async () => {
    await using folder = await tempFolder()
    const { blobs, blob } = await damaged(folder.path)
    await writeFile(blobs.path(blob), '')
    await putOk(blobs, Buffer.from('hello'))
    expect(await blobs.read(blob)).toEqual({ ok: true, value: Buffer.from('hello') })
  })
})

describe('blobs that arrive in parts', () => {
  const bytes = randomBytes(1_000_000)
  const blob = hashOf(bytes)

  it('go on where a broken stream ended, also after a restart', async () => {
    await using folder = await tempFolder()
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield* inParts(bytes.subarray(0, 300_000), 50_000)
      throw new Error('the peer went away')
    }
    const first = createBlobs({ folder: folder.path })
    const broken = await first.putStream(blob, 0, breaking())
    expect(broken.ok).toBe(false)
    expect(await first.has(blob)).toBe(false)
    const second = createBlobs({ folder: folder.path })
    expect(await second.partialSize(blob)).toBe(300_000)
    const rest = inParts(bytes.subarray(300_000), 50_000)
    expect(await second.putStream(blob, 300_000, rest)).toEqual({ ok: true, value: bytes.length })
    expect(await second.read(blob)).toEqual({ ok: true, value: bytes })
    expect(await second.partialSize(blob)).toBe(0)
    expect(await second.putStream(blob, 0, inParts(bytes, 10))).toEqual({
      ok: true,
      value: bytes.length,
    })
  })

  it('may go back to an earlier byte, but not start beyond what is there', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 300_000)
      throw new Error('the peer went away')
    }
    await blobs.putStream(blob, 0, breaking())
    expect((await blobs.putStream(blob, 300_001, inParts(bytes, 1_000))).ok).toBe(false)
    const rest = inParts(bytes.subarray(100_000), 50_000)
    expect((await blobs.putStream(blob, 100_000, rest)).ok).toBe(true)
  })

  it('are thrown away when they have another hash, from the start or from the middle', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const wrong = Buffer.from(bytes)
    wrong[500_000] = (wrong[500_000] ?? 0) ^ 1
    for (const parts of [inParts(wrong, 99_999), inParts(bytes.subarray(0, 10), 10)]) {
      const result = await blobs.putStream(blob, 0, parts)
      expect(result).toMatchObject({ ok: false, error: { code: 'BlobCorrupt' } })
      expect(await blobs.partialSize(blob)).toBe(0)
    }
    expect(await leftovers(folder.path)).toEqual([])
  })

  it('keep what came when they are aborted', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const stop = new AbortController()
    async function* stopping(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 1_000)
      stop.abort()
      yield bytes.subarray(1_000)
    }
    const result = await blobs.putStream(blob, 0, stopping(), stop.signal)
    expect(result).toMatchObject({ ok: false, error: { code: 'Aborted' } })
    expect(await blobs.partialSize(blob)).toBe(1_000)
  })

  it('are deleted with what came of them before their transfer broke off', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const bytes = Buffer.alloc(1_000, 'rows of a job that is forgotten')
    const blob = hashOf(bytes)
    const broken = async function* () {
      yield bytes.subarray(0, 400)
      throw new MusterFailure(musterError('BlobMissing', 'The machine is gone.'))
    }
    expect((await blobs.putStream(blob, 0, broken())).ok).toBe(false)
    expect(await blobs.partialSize(blob)).toBe(400)
    await blobs.delete(blob)
    expect(await blobs.partialSize(blob)).toBe(0)
    expect(await leftovers(folder.path)).toEqual([])
  })

  it('are swept at start when nobody came back for them', async () => {
    await using folder = await tempFolder()
    const old = new Date(Date.now() - limits.leftoverBlobMs - 1_000)
    createBlobs({ folder: folder.path })
    const [stale, fresh] = [hashOf(Buffer.from('a')), hashOf(Buffer.from('b'))]
    for (const name of [stale, fresh]) await writeFile(join(folder.path, 'partial', name), 'part')
    await utimes(join(folder.path, 'partial', stale), old, old)
    const blobs = createBlobs({ folder: folder.path })
    expect([await blobs.partialSize(stale), await blobs.partialSize(fresh)]).toEqual([0, 4])
  })
})

describe('large blobs, which a thread writes', () => {
  const bytes = randomBytes(3 * limits.threadedBlobBytes + 12_345)
  const blob = hashOf(bytes)
  const half = 2 * limits.threadedBlobBytes + 77
  /** Not `toEqual`, which would look at millions of bytes one by one. */
  const isWhole = async (blobs: Blobs): Promise<boolean> => {
    const read = await blobs.read(blob)
    return read.ok && bytes.equals(read.value)
  }

  it('come whole, in parts of any size', async () => {
    for (const size of [65_519, 1_000_001, bytes.length]) {
      await using folder = await tempFolder()
      const blobs = createBlobs({ folder: folder.path })
      const put = await blobs.putStream(blob, 0, inParts(bytes, size))
      expect(put).toEqual({ ok: true, value: bytes.length })
      expect(await isWhole(blobs)).toBe(true)
      expect(await leftovers(folder.path)).toEqual([])
    }
  })

  it('go on where a broken or stopped stream ended', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const stop = new AbortController()
    async function* stopping(): AsyncGenerator<Uint8Array> {
      yield* inParts(bytes.subarray(0, half), 100_000)
      stop.abort()
      yield bytes.subarray(half)
    }
    const stopped = await blobs.putStream(blob, 0, stopping(), stop.signal)
    expect(stopped).toMatchObject({ ok: false, error: { code: 'Aborted' } })
    expect(await blobs.partialSize(blob)).toBe(half)
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield* inParts(bytes.subarray(half, half + 1_000_000), 100_000)
      throw new Error('the peer went away')
    }
    expect((await blobs.putStream(blob, half, breaking())).ok).toBe(false)
    expect(await blobs.partialSize(blob)).toBe(half + 1_000_000)
    const rest = inParts(bytes.subarray(half + 1_000_000), 100_000)
    const whole = await blobs.putStream(blob, half + 1_000_000, rest)
    expect(whole).toEqual({ ok: true, value: bytes.length })
    expect(await isWhole(blobs)).toBe(true)
  })

  it('are thrown away when they have another hash', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    const wrong = Buffer.from(bytes)
    wrong[half] = (wrong[half] ?? 0) ^ 1
    const put = await blobs.putStream(blob, 0, inParts(wrong, 99_999))
    expect(put).toMatchObject({ ok: false, error: { code: 'BlobCorrupt' } })
    expect(await leftovers(folder.path)).toEqual([])
  })

  it('fail in words when the thread cannot write', async () => {
    await using folder = await tempFolder()
    const blobs = createBlobs({ folder: folder.path })
    async function* pulled(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, limits.threadedBlobBytes)
      await rm(join(folder.path, 'partial'), { recursive: true })
      yield* inParts(bytes.subarray(limits.threadedBlobBytes), 1_000_000)
    }
    const put = await blobs.putStream(blob, 0, pulled())
    expect(put).toMatchObject({ ok: false, error: { code: 'Internal' } })
  })
})

describe('a crash', () => {
  it('leaves no wrong blob, loses none that was stored, and is swept at the next start', async () => {
    await using folder = await tempFolder()
    const child = fileURLToPath(new URL('./blobs-crash-child.ts', import.meta.url))
    let swept = 0
    const stored = new Set<string>()
    for (const puts of [1, 2, 3, 4]) {
      const victim = spawn(process.execPath, [child, folder.path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const gone = once(victim, 'exit')
      let seen = 0
      for await (const line of createInterface(victim.stdout)) {
        stored.add(line)
        if (++seen !== puts) continue
        while ((await leftovers(folder.path)).length === 0);
        victim.kill('SIGKILL')
      }
      expect((await gone)[1]).toBe('SIGKILL')
      const blobs = await visible(folder.path)
      expect(blobs.filter(([name, content]) => name !== content)).toEqual([])
      const names = new Set<string>(blobs.map(([name]) => name))
      expect([...stored].filter((name) => !names.has(name))).toEqual([])
      swept += (await leftovers(folder.path)).length
      createBlobs({ folder: folder.path })
      expect(await leftovers(folder.path)).toEqual([])
    }
    // Killed while a file was being written: had none left anything, the sweep would have proven nothing.
    expect(swept).toBeGreaterThan(0)
  })
})

/** A file system of one megabyte, or undefined where this user may not mount one. */
const smallDisk = async (): Promise<(AsyncDisposable & { path: string }) | undefined> => {
  const folder = await tempFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder.path], { stdio: 'pipe' })
  } catch {
    await folder.remove()
    return undefined
  }
  const dispose = async (): Promise<void> => {
    execFileSync('umount', [folder.path])
    await folder.remove()
  }
  return { path: folder.path, [Symbol.asyncDispose]: dispose }
}

describe('a full disk', () => {
  it('is told in words and leaves nothing half-written', async (test) => {
    await using disk = await smallDisk()
    if (disk === undefined) return test.skip('this user may not mount a small file system')
    await using elsewhere = await tempFolder()
    const blobs = createBlobs({ folder: join(disk.path, 'blobs') })
    const large = randomBytes(2_000_000)
    const source = join(elsewhere.path, 'large.bin')
    await writeFile(source, large)
    const full = { ok: false, error: { code: 'DiskFull', retryable: true } }
    expect(await blobs.put(large)).toMatchObject(full)
    expect(await blobs.putFile(source)).toMatchObject(full)
    expect(await leftovers(disk.path)).toEqual([])
    expect(await visible(disk.path)).toEqual([])
    expect((await blobs.put(large.subarray(0, 100_000))).ok).toBe(true)

    const output = join(disk.path, 'output')
    const rows = Array.from({ length: 200 }, (_, item) =>
      JSON.stringify({ text: 'x'.repeat(10_000), item }),
    )
    const written = writeRowFile(
      { folder: output, fileName: 'rows.csv', format: 'csv', present: 'refused' },
      { values: () => rows },
    )
    expect(written).toMatchObject(full)
    expect(written.ok ? '' : written.error.message).toMatch(
      /^The output file rows\.csv could not be written because the disk of .* is full: free some space/,
    )
    expect(await readdir(output)).toEqual([])

    const streamed = await blobs.putStream(hashOf(large), 0, inParts(large, 100_000))
    expect(streamed).toMatchObject(full)
    expect(await blobs.has(hashOf(large))).toBe(false)
  })
})
