// Puts ever new blobs until it is killed: the crash test's victim.
//   node blobs-crash-child.ts FOLDER
import process from 'node:process'
import { createBlobs } from '#agent/data/blobs/blobs.ts'

const blobs = createBlobs({ folder: process.argv[2] ?? '' })
const first = process.pid % 1_000_000
for (let i = first; ; i++) {
  const put = await blobs.put(Buffer.alloc(8_000_000 + i, `${i}`))
  if (!put.ok) throw new Error(put.error.message)
  // The word "durable" must be true of every blob that was named here.
  process.stdout.write(`${put.value}\n`)
}
