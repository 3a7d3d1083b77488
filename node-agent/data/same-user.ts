import { randomBytes, timingSafeEqual } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import process from 'node:process'
import type { SameUser } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { SameUserProof } from '#protocol/wire/input/protocol.ts'

/**
 * Nonce files of 256 bits in a folder that only this user can enter. A home on a network share is seen by
 * the same user on other machines too, so the file also names the running system; and it names the agent
 * that wrote it, so that no other can show it as its own.
 */
export const createSameUser = (options: {
  readonly home: string
  readonly self: PeerId
}): SameUser => {
  const folder = join(options.home, 'same-user')
  return {
    offer: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await sweep(folder)
      const nonce = randomBytes(32).toString('hex')
      // The name sorts by time, so that the oldest are swept.
      const name = `${Date.now().toString().padStart(15, '0')}-${randomBytes(4).toString('hex')}`
      const path = join(folder, `${name}${ending}`)
      await using file = await open(path, 'wx', 0o600)
      await file.writeFile(await contentOf(nonce, options.self))
      return { path, nonce }
    },
    check: async (peer, proof) => {
      try {
        return await check(peer, proof)
      } catch {
        return false
      }
    },
  }
}

const ending = '.nonce'

const contentOf = async (nonce: string, peer: PeerId): Promise<string> =>
  `${nonce}\n${await systemName()}\n${peer}\n`

/** Linux gives each start of a machine a name; elsewhere the machine's name must do. */
const systemName = async (): Promise<string> => {
  if (process.platform !== 'linux') return hostname()
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return hostname()
  }
}

const sweep = async (folder: string): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).toSorted()
  const spare = names.length - limits.sameUserNonces + 1
  for (const name of names.slice(0, Math.max(0, spare)))
    await rm(join(folder, name), { force: true })
}

/** The path comes from another peer: nothing but a small file of the right name is ever opened. */
const check = async (peer: PeerId, { path, nonce }: SameUserProof): Promise<boolean> => {
  if (!/^[0-9a-f]{64}$/.test(nonce) || !isAbsolute(path) || !basename(path).endsWith(ending))
    return false
  // A share's path would make Windows sign in to a machine that a stranger chose.
  if (process.platform === 'win32' && /^[\\/]{2}/.test(path)) return false
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)
  await using file = await open(path, flags)
  const facts = await file.stat()
  const expected = Buffer.from(await contentOf(nonce, peer))
  if (!facts.isFile() || facts.size !== expected.length) return false
  if (process.getuid !== undefined) {
    if (facts.uid !== process.getuid() || (facts.mode & 0o077) !== 0) return false
  }
  const content = Buffer.alloc(expected.length)
  const { bytesRead } = await file.read(content, 0, content.length, 0)
  return bytesRead === expected.length && timingSafeEqual(content, expected)
}
