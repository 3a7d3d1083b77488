import { readFile, realpath, stat } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { musterError } from '#protocol/errors.ts'
import { errorAnswer } from './status.ts'

/** Answers files of the built window. `path` is the raw path of a request, still percent-encoded. */
export type ServePage = (path: string) => Promise<Response>

/** The folder may be missing or appear later: it is looked up anew with each request. */
export const createPage =
  (folder: string): ServePage =>
  async (path) => {
    const root = await realpath(folder).catch(() => undefined)
    const wanted = path === '/' ? 'index.html' : safeRelative(path)
    const file = root === undefined || wanted === undefined ? undefined : await inside(root, wanted)
    if (file === undefined) return wanted === 'index.html' ? notBuilt() : notFound()
    const hashed = wanted?.startsWith('assets/') === true
    return new Response(await readFile(file), {
      headers: {
        'content-type': mediaTypes[extname(file).toLowerCase()] ?? 'application/octet-stream',
        'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
    })
  }

/** Undefined for whatever is no plain path below the folder, in any spelling. */
const safeRelative = (path: string): string | undefined => {
  let decoded: string
  try {
    decoded = decodeURIComponent(path.slice(1))
  } catch {
    return undefined
  }
  // What is still encoded after one round has been encoded twice to get past somebody.
  if (/[\\%:\0]/.test(decoded)) return undefined
  const parts = decoded.split('/')
  return parts.some((part) => part === '' || part.startsWith('.')) ? undefined : decoded
}

/** The real path of a file below `root`, links followed; undefined if there is none. */
const inside = async (root: string, relative: string): Promise<string | undefined> => {
  const file = await realpath(join(root, relative)).catch(() => undefined)
  if (file === undefined || !file.startsWith(root + sep)) return undefined
  return (await stat(file)).isFile() ? file : undefined
}

const notBuilt = (): Response =>
  new Response(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Muster</title>' +
      '<p>The agent runs, but its window is not built yet; run <code>npm run build</code> and reload this page.',
    {
      status: 503,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    },
  )

const notFound = (): Response =>
  errorAnswer(
    musterError(
      'NotFound',
      'There is nothing at this address; open the window at the address `/`.',
    ),
  )

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
}
