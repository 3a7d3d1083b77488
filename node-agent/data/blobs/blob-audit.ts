import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobAudit, StoredBlob } from '#agent/ports/store-care.ts'
import type { BlobHash } from '#protocol/model/ids.ts'
import { systemCode } from '../disk.ts'

/** Looks through a folder of blobs without changing it. */
export const createBlobAudit = (options: { readonly folder: string }): BlobAudit => {
  const { folder } = options
  return {
    list: async () => {
      const found: StoredBlob[] = []
      for (const start of await namesIn(folder)) {
        if (!/^[0-9a-f]{2}$/.test(start)) continue
        for (const rest of await namesIn(join(folder, start))) {
          if (!/^[0-9a-f]{62}$/.test(rest)) continue
          const facts = await stat(join(folder, start, rest)).catch(() => undefined)
          if (facts?.isFile() !== true) continue
          const blob = (start + rest) as BlobHash
          found.push({ blob, bytes: facts.size, modifiedMs: facts.mtimeMs })
        }
      }
      return found
    },
    isWhole: async (blob, signal) => {
      const hash = createHash('sha256')
      await using file = await open(join(folder, blob.slice(0, 2), blob.slice(2)), 'r')
      const buffer = Buffer.allocUnsafe(sliceBytes)
      for (;;) {
        signal.throwIfAborted()
        const { bytesRead } = await file.read(buffer, 0, buffer.length)
        if (bytesRead === 0) return hash.digest('hex') === blob
        hash.update(buffer.subarray(0, bytesRead))
      }
    },
  }
}

/** A hash of this much takes about a millisecond: the agent's loop is not held up. */
const sliceBytes = 1024 * 1024

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown))) return []
    throw thrown
  }
}
