// The agent, its threads and processes as few files of JavaScript: `dist/agent/KEY/main.js`. It needs a third less
// memory than the sources, whose types Node strips, and starts in half the time. KEY is made of what it was
// built from, so a bundle that does not fit the sources is never run; without one, the sources are.
//   node tools/pinned-node.mjs tools/agent-bundle.mjs              builds it, if it is not there
//   node tools/pinned-node.mjs tools/agent-bundle.mjs --package    builds `dist/app/agent` for the desktop app
// It must stay plain JavaScript that Node 20 can parse: the launcher asks it what to run.
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const repository = join(dirname(fileURLToPath(import.meta.url)), '..')
const sources = 'node-agent/cli/main.ts'

/** What starts `muster` here: the bundle that was built from these sources, or the sources. */
export const muster = (root = repository) => {
  try {
    const built = join(folderOf(root), 'main.js')
    if (existsSync(built)) return built
  } catch {
    // Sources that cannot be looked at: Node says why when it runs them.
  }
  return join(root, sources)
}

export const isBuilt = (entry) => entry.endsWith('.js')

const folderOf = (root) => join(root, 'dist/agent', keyOf(root))

/** Names, sizes and times of all that goes in: reading it would take longer than the start it saves. */
const keyOf = (root) => {
  const hash = createHash('sha256')
    .update(root)
    .update(readFileSync(join(root, 'package.json')))
  const installed = join(root, 'node_modules/.package-lock.json')
  const files = ['node-agent', 'protocol'].flatMap((folder) => listFiles(join(root, folder)))
  for (const path of [fileURLToPath(import.meta.url), installed, ...files.sort()]) {
    const facts = statSync(path, { throwIfNoEntry: false })
    hash.update(`${path} ${facts?.size} ${facts?.mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 32)
}

const listFiles = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })

/** Builds the bundle unless it is there. Returns its entry. */
export const buildMuster = async (root = repository) => {
  const folder = folderOf(root)
  const built = join(folder, 'main.js')
  if (existsSync(built)) return built
  const temp = join(root, 'dist/agent', `building-${process.pid}`)
  try {
    await bundle(root, temp)
    renameSync(temp, folder)
  } catch (thrown) {
    rmSync(temp, { recursive: true, force: true })
    // Somebody else may have been faster.
    if (!existsSync(built)) throw thrown
  }
  forgetOld(join(root, 'dist/agent'))
  return built
}

/** Builds the one that a package brings, at a place that does not tell what it was built from. */
export const buildPackaged = async (root = repository, folder = join(root, 'dist/app/agent')) => {
  rmSync(folder, { recursive: true, force: true })
  await bundle(root, folder, { sourcemap: false })
  return join(folder, 'main.js')
}

/** An agent that runs loads parts of its bundle when it first needs them: the last ones stay. */
const forgetOld = (folder) => {
  const aged = readdirSync(folder)
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((one, other) => other.at - one.at)
  for (const { path } of aged.slice(keptBundles)) rmSync(path, { recursive: true, force: true })
}

const keptBundles = 5

/** A script process may read one file of ours, so what it imports stands in it. */
const alone = 'script-process'

const bundle = async (root, folder, more = {}) => {
  const paths = listFiles(join(root, 'node-agent')).filter((path) => isEntry(basename(path)))
  const named = paths.map((path) => [basename(path, '.ts'), path])
  if (new Set(named.map(([name]) => name)).size < named.length)
    throw new Error('two threads or processes have the same name')
  const together = named.filter(([name]) => name !== alone)
  mkdirSync(folder, { recursive: true })
  const main = { main: join(root, sources) }
  await write(root, folder, { ...main, ...Object.fromEntries(together) }, more)
  const script = named.find(([name]) => name === alone)
  if (script !== undefined)
    await write(root, folder, { [alone]: script[1] }, { codeSplitting: false, sourcemap: false })
}

/** Started by their files: `NAME-thread.ts`, and processes that load much of our own code. */
const isEntry = (name) => /^([a-z]+-thread|(runtime|script|probe|rewrite)-process)\.ts$/.test(name)

const write = async (root, folder, input, more) => {
  const { rolldown } = await import('rolldown')
  const made = await rolldown({
    input,
    cwd: root,
    platform: 'node',
    // Packages with native code, and what is loaded for single commands only.
    external: [/^(better-sqlite3|onnxruntime-node|sharp|rolldown)/],
    logLevel: 'silent',
    plugins: [placesPlugin(root), processPlugin],
  })
  try {
    await made.write({
      dir: folder,
      format: 'esm',
      sourcemap: true,
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
      ...more,
    })
  } finally {
    await made.close()
  }
}

/**
 * What is found by its place in the sources is found from the bundle's own place, which is as far below the
 * root: so all of it may be moved together. Only threads and processes come from the bundle too.
 */
const placesPlugin = (root) => ({
  name: 'muster-places',
  transform: (code, id) => {
    if (!code.includes('import.meta.url') || id.includes('node_modules')) return null
    const place = JSON.stringify(
      `../../../${relative(realpathSync(root), id).split(sep).join('/')}`,
    )
    const here = `new URL(${place}, import.meta.url).href`
    return code
      .split(/(new URL\('\.\/[a-z-]+\.ts', import\.meta\.url\))/)
      .map((piece) => {
        const name = /^new URL\('\.\/([a-z-]+\.ts)'/.exec(piece)?.[1]
        if (name === undefined) return piece.replaceAll('import.meta.url', here)
        // A package brings no sources, so this would be noticed only there.
        if (!isEntry(name)) throw new Error(`${name} is started by its file: see isEntry`)
        return piece.replace('.ts', '.js')
      })
      .join('')
  },
})

/** To import `node:process` asks all its properties, which opens the standard streams: 7 ms of every start. */
const processPlugin = {
  name: 'muster-process',
  resolveId: (name, importer) =>
    name === 'node:process' && !importer?.includes('node_modules') ? virtualProcess : null,
  load: (id) => (id === virtualProcess ? 'export default globalThis.process' : null),
}
const virtualProcess = '\0muster-process'

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
)
  await (process.argv[2] === '--package' ? buildPackaged() : buildMuster())
