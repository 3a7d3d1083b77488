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
import { dirname, join, relative, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Our own code for script processes, laid out for them: they need to read no other file of ours. */
export interface OwnCode {
  readonly root: string
  readonly folder: string
}

const repository = fileURLToPath(new URL('../../../', import.meta.url))

/** Files of the repository that a script process loads, its root first. */
const files: readonly string[] = [
  'node-agent/runtime/script-process.ts',
  'node-agent/runtime/frames.ts',
  'node-agent/runtime/script/numbers.ts',
  'node-agent/runtime/script/words.ts',
  'protocol/limits.ts',
  'protocol/limits-data.ts',
  ...'arguments channel context decode handles items logger rows sentences serve side-inputs'
    .split(' ')
    .map((name) => `node-agent/runtime/script/guest/${name}.ts`),
]

/**
 * Copies our code without its types, which a process would take 150 ms to remove at every start. The folder
 * is named by what it holds, so that an older agent's is never used.
 */
export const layOutOwnCode = (folder: string): OwnCode => {
  const sources = files.map((file) => readFileSync(join(repository, file), 'utf8'))
  const name = createHash('sha256').update(sources.join('\0')).digest('hex').slice(0, 32)
  const target = join(folder, name)
  if (!existsSync(target)) {
    const fresh = join(folder, `.${randomUUID()}`)
    for (const [at, file] of files.entries()) {
      const path = join(fresh, toModule(file))
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, toJavaScript(file, sources[at] ?? ''))
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
  return { folder: real, root: join(real, toModule(files[0] ?? '')) }
}

const toModule = (file: string): string => file.replace(/\.ts$/, '.mjs')

const toJavaScript = (file: string, source: string): string => {
  const toProtocol = relative(dirname(file), 'protocol').split(sep).join('/')
  return withoutWarning(() => stripTypeScriptTypes(source))
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
