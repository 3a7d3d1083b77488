import { createHash, randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { basename, dirname, join, posix, relative, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { scriptRoot } from '../roots.ts'

/** Our own code for script processes, laid out for them: they need to read no other file of ours. */
export interface OwnCode {
  readonly root: string
  readonly folder: string
}

const repository = fileURLToPath(new URL('../../../', import.meta.url))

const root = fileURLToPath(scriptRoot)
const isBundled = root.endsWith('.js')
/** In the folder that is laid out. */
const rootFile = isBundled ? basename(root) : 'node-agent/runtime/script-process.ts'

/** A file of ours, and its code without types. */
interface OwnFile {
  readonly file: string
  readonly code: string
}

/** The root and all files that it imports, also through others: types import nothing. */
const allFiles = (): readonly OwnFile[] => {
  if (isBundled) return [{ file: rootFile, code: readFileSync(root, 'utf8') }]
  const found = new Map<string, OwnFile>()
  const queue = [rootFile]
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (found.has(file)) continue
    const source = readFileSync(join(repository, file), 'utf8')
    const code = withoutWarning(() => stripTypeScriptTypes(source))
    found.set(file, { file, code })
    for (const [, specifier = ''] of code.matchAll(/(?:from|import) '([#.][^']+\.ts)'/g))
      queue.push(
        specifier.startsWith('#protocol/')
          ? specifier.slice(1)
          : posix.join(posix.dirname(file), specifier),
      )
  }
  return [...found.values()]
}

/** What was laid out by this agent, by folder: reading and stripping it takes 30 ms of the agent's own thread. */
const known = new Map<string, OwnCode>()

/**
 * Copies our code without its types, which a process would take 150 ms to remove at every start. The folder
 * is named by what it holds, so that an older agent's is never used.
 */
export const layOutOwnCode = (folder: string): OwnCode => {
  const before = known.get(folder)
  if (before !== undefined && existsSync(before.root)) return before
  const made = layOut(folder)
  known.set(folder, made)
  return made
}

const layOut = (folder: string): OwnCode => {
  const files = allFiles()
  const text = files.map(({ file, code }) => `${file}\0${code}`).join('\0')
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32)
  const target = join(folder, name)
  if (!existsSync(target)) {
    const fresh = join(folder, `.${randomUUID()}`)
    for (const { file, code } of files) {
      const path = join(fresh, toModule(file))
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, toModules(file, code))
    }
    try {
      renameSync(fresh, target)
    } catch (thrown) {
      rmSync(fresh, { recursive: true, force: true })
      // Another process of this agent may have been quicker with the very same files.
      if (!existsSync(target)) throw thrown
    }
  }
  const real = realpathSync(target)
  return { folder: real, root: join(real, toModule(rootFile)) }
}

const toModule = (file: string): string => file.replace(/\.[jt]s$/, '.mjs')

const toModules = (file: string, code: string): string => {
  const toProtocol = relative(dirname(file), 'protocol').split(sep).join('/')
  return code
    .replaceAll(/(from|import) '#protocol\/([^']+)\.ts'/g, `$1 '${toProtocol}/$2.mjs'`)
    .replaceAll(/(from|import) '(\.[^']+)\.ts'/g, `$1 '$2.mjs'`)
}

/** Node says once that this is experimental, on the agent's standard error, where nobody can act on it. */
const withoutWarning = <T>(work: () => T): T => {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return work()
  } finally {
    process.emitWarning = emitWarning
  }
}
