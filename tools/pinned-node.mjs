// Runs a command on the Node pinned in optionalDependencies, whichever Node or npm started us:
//   node tools/pinned-node.mjs vitest run      (a bin of node_modules/.bin)
//   node tools/pinned-node.mjs tools/demo.ts   (a file)
// It must stay plain JavaScript that Node 20 can parse: it is what finds the newer Node.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const oldestNode = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const require = createRequire(join(root, 'package.json'))

/** The pinned Node if it is installed, else the running one if it is new enough, else undefined. */
export const findNode = () => {
  const system = process.platform === 'win32' ? 'win' : process.platform
  for (const name of [
    `node-${system}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ]) {
    try {
      const manifest = require.resolve(`${name}/package.json`)
      const file = join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.node)
      if (existsSync(file)) return file
    } catch {
      // Not installed for this platform: try the next name.
    }
  }
  return Number(process.versions.node.split('.')[0]) >= oldestNode ? process.execPath : undefined
}

/** Resolves a package's bin to its JavaScript, so that no shell's shebang picks another Node. */
const toFile = (command) =>
  /\.[cm]?[jt]s$/.test(command) || command.startsWith('-')
    ? command
    : realpathSync(join(root, 'node_modules/.bin', command))

/** Runs `command` on the found Node with our stdio and passes on signals and the exit code. */
export const runPinned = (command, args) => {
  const node = findNode()
  if (node === undefined) {
    console.error(
      `Muster needs Node ${oldestNode} or newer and none is bundled for ${process.platform}-${process.arch} ` +
        `(this is ${process.version}). Install Node ${oldestNode} or newer and try again.`,
    )
    process.exit(1)
  }
  const bin = join(root, 'node_modules/.bin')
  const env = { ...process.env, PATH: [dirname(node), bin, process.env.PATH].join(delimiter) }
  const child = spawn(node, [toFile(command), ...args], { stdio: 'inherit', env })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`Could not start ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) =>
    process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0)),
  )
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  const [command, ...args] = process.argv.slice(2)
  if (command === undefined) {
    console.error('usage: node tools/pinned-node.mjs COMMAND [ARGUMENT ...]')
    process.exit(2)
  }
  runPinned(command, args)
}
