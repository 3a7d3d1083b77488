import { realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { Shares } from '#agent/ports/data.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { err, ok } from '#protocol/model/result.ts'
import { isInside } from './plan/folder-walk.ts'

/** Finds places of shares below the folders their owner mapped them to. */
export const createShares = (): Shares => ({
  resolve: async (root, { name, path }) => {
    if (!isAbsolute(root))
      return err(missing(`The share "${name}" is mapped to "${root}", which is no absolute path`))
    const parts = path.split('/')
    if (parts.includes('..') || /[\\\0]/.test(path)) return err(outside(name, path))
    const whole = join(root, ...parts)
    try {
      const [realRoot, real] = await Promise.all([realpath(root), realpath(whole)])
      return isInside(realRoot, real) ? ok(real) : err(outside(name, path))
    } catch (thrown) {
      const what = path === '' ? `The share "${name}"` : `"${path}" of the share "${name}"`
      return err(missing(`${what} is not at ${whole}`, thrown))
    }
  },
})

const missing = (what: string, thrown?: unknown): MusterError =>
  musterError(
    'InputMissing',
    `${what}, or cannot be read there: correct the path, or map the share with \`muster settings set\`.`,
    thrown === undefined ? {} : { detail: thrownToText(thrown) },
  )

const outside = (name: string, path: string): MusterError =>
  musterError(
    'InputMissing',
    `"${path}" leads out of the share "${name}" and was refused: name a folder that lies in it.`,
  )
