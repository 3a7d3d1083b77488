import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, extname, relative, sep } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { BundledScript, Bundler } from '#agent/ports/bundler.ts'
import { MusterFailure, musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Plugin } from 'rolldown'
import { deniedModule, insteadOf, isInPackage, nativePackageOf, shownPath } from './modules.ts'
import { listSourceFiles } from './source-files.ts'

/** Bundles by rolldown, which is loaded with the first script: it costs 30 MB. */
export const createBundler = (): Bundler => ({
  bundle: async (script, signal) => {
    try {
      return ok(await bundleScript(script, signal))
    } catch (thrown) {
      if (thrown instanceof MusterFailure) return err(thrown.error)
      if (signal.aborted) return err(musterError('Aborted', 'Bundling the script was given up.'))
      return err(notBundled(script.entry, thrown))
    }
  },
})

const bundleScript = async (
  script: { readonly entry: string; readonly sourceDirectory?: string },
  signal: AbortSignal,
): Promise<BundledScript> => {
  const entry = await realFile(script.entry)
  const folder = await sourceFolder(script.sourceDirectory, entry)
  const code = await runRolldown(entry, signal)
  const bytes = new TextEncoder().encode(code)
  if (bytes.length > limits.scriptBundleBytes)
    throw invalid(
      `The script ${basename(entry)} with all it imports has ${bytes.length} bytes, more than the ` +
        `${limits.scriptBundleBytes} that a script may have: import less.`,
    )
  const beside = script.sourceDirectory === undefined ? [] : await listSourceFiles(folder, signal)
  const name = relative(folder, entry).split(sep).join('/')
  const path = `${name.slice(0, -extname(name).length)}.bundle.mjs`
  const others = beside.filter((file) => file.path !== path)
  return { entry: basename(entry), files: [{ path, content: bytes }, ...others] }
}

const realFile = async (path: string): Promise<string> => {
  const real = await realpath(path).catch(() => undefined)
  const facts = real === undefined ? undefined : await stat(real)
  if (real !== undefined && facts?.isFile() === true) return real
  throw new MusterFailure(
    musterError('ScriptMissing', `There is no script ${path}: correct "entry_script".`),
  )
}

const sourceFolder = async (given: string | undefined, entry: string): Promise<string> => {
  if (given === undefined) return dirname(entry)
  const real = await realpath(given).catch(() => undefined)
  const facts = real === undefined ? undefined : await stat(real)
  if (real === undefined || facts?.isDirectory() !== true)
    throw invalid(`There is no folder ${given}: correct "source_directory".`)
  if (!entry.startsWith(real + sep))
    throw invalid(
      `The script ${entry} does not lie in the source folder ${real}: correct "source_directory".`,
    )
  return real
}

const runRolldown = async (entry: string, signal: AbortSignal): Promise<string> => {
  const { rolldown } = await import('rolldown')
  signal.throwIfAborted()
  const problems: string[] = []
  const bundle = await rolldown({
    input: entry,
    cwd: dirname(entry),
    platform: 'node',
    logLevel: 'silent',
    plugins: [createGuard(dirname(entry), problems)],
  }).catch((thrown: unknown) => {
    throw problemsOf(problems, entry) ?? thrown
  })
  try {
    const made = await bundle
      .generate({ format: 'esm', sourcemap: 'inline', codeSplitting: false })
      .catch((thrown: unknown) => {
        throw problemsOf(problems, entry) ?? thrown
      })
    const problem = problemsOf(problems, entry)
    if (problem !== undefined) throw problem
    const [chunk] = made.output
    if (!chunk.exports.includes('run') && !chunk.exports.includes('default'))
      throw invalid(
        `The script ${basename(entry)} exports no function "run": write \`export async function run(miniBatch, context) {}\`.`,
      )
    return chunk.code
  } finally {
    await bundle.close()
  }
}

/** Notes every import that cannot work where the script will run, and leaves it out of the bundle. */
const createGuard = (folder: string, problems: string[]): Plugin => ({
  name: 'muster-guard',
  resolveId: {
    order: 'pre',
    async handler(id, importer, options) {
      if (importer === undefined || id.startsWith('\0') || importer.includes('rolldown/runtime'))
        return null
      const from = shownPath(folder, importer)
      const own = !isInPackage(importer)
      const why = deniedModule(id)
      // A package may mention such a module and never use it; one's own script means it.
      if (why !== undefined && own) problems.push(`${from} imports "${id}", but ${why}`)
      if (why !== undefined) return { id, external: true }
      const found = await this.resolve(id, importer, { ...options, skipSelf: true })
      if (found === null) {
        // What a package tries in vain (an optional dependency) is its own affair until it is used.
        if (own) problems.push(missing(id, from))
        return { id, external: true }
      }
      const native = found.external === false ? nativePackageOf(found.id) : undefined
      const isAddon = found.id.endsWith('.node')
      if (native === undefined && !isAddon) return found
      const name = native ?? id
      problems.push(
        `${from} imports "${name}", which has native code that scripts cannot carry: ${insteadOf(name)}`,
      )
      return { id, external: true }
    },
  },
})

const missing = (id: string, from: string): string =>
  id.startsWith('.') || id.startsWith('/')
    ? `${from} imports "${id}", but there is no such file`
    : `${from} imports the package "${id}", which is not installed: run \`npm install ${packageName(id)}\` beside the script`

const packageName = (id: string): string =>
  id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/')

const problemsOf = (problems: readonly string[], entry: string): MusterFailure | undefined => {
  const [first, ...others] = [...new Set(problems)]
  if (first === undefined) return undefined
  const more = others.length === 0 ? '' : `; also, ${others.slice(0, 9).join('; ')}`
  return invalid(`The script ${basename(entry)} cannot run on other machines: ${first}${more}.`)
}

const invalid = (message: string): MusterFailure =>
  new MusterFailure(musterError('ScriptInvalid', message.slice(0, limits.sentenceLength)))

/** Rolldown's own words begin with a code in brackets; places follow in further lines. */
const notBundled = (entry: string, thrown: unknown): MusterError => {
  const detail = thrownToText(thrown)
  const words = stripVTControlCharacters(detail)
    .split('\n')
    .map((line) => line.trim())
  const said = words.find((line) => /^\[[A-Z_]+\]/.test(line)) ?? words[0] ?? ''
  const place = words.map((line) => /\[\s*(\S.*:\d+:\d+)\s*\]/.exec(line)?.[1]).find(Boolean)
  const why = said.replace(/^\[[A-Z_]+\]\s*(?:Error:)?\s*/, '').replace(/[.\s]+$/, '')
  const where = place === undefined ? '' : ` (${place})`
  return musterError(
    'ScriptInvalid',
    `The script ${basename(entry)} cannot be bundled: ${why.slice(0, 500)}${where}.`,
    { detail: detail.slice(0, limits.sentenceLength) },
  )
}
