import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { limits } from '#protocol/limits.ts'
import { createAhead } from './ahead.ts'
import { openChannel } from './channel.ts'
import type { Channel } from './channel.ts'
import { createContext } from './context.ts'
import type { ScriptContext } from './context.ts'
import { createMiniBatch } from './items.ts'
import { readReturned } from './rows.ts'
import { thrownSentence } from './sentences.ts'
import type { InitWords, RunWords } from '../words.ts'

/** What an entry script exports. */
interface Script {
  readonly init: Entry | undefined
  readonly run: Entry
  readonly shutdown: Entry | undefined
}
type Entry = (...given: readonly unknown[]) => unknown

/**
 * What a script prints is written before it goes on: else it stood in the memory of this process, and its last
 * words, which tell why it died or was stopped, would go with it. Node itself does so on Windows only.
 */
const printAtOnce = (): void => {
  for (const { _handle } of [process.stdout, process.stderr] as readonly Printing[])
    _handle?.setBlocking?.(true)
}

interface Printing {
  readonly _handle?: { readonly setBlocking?: (blocking: boolean) => void }
}

/** Runs the script that the runtime process names, one mini-batch at a time, until the pipe closes. */
export const serveScript = (descriptor: number): void => {
  printAtOnce()
  let script: Script | undefined
  let context: ScriptContext | undefined
  let direct: InitWords['directInputs'] = []
  const channel = openChannel(descriptor, (words) => {
    switch (words.kind) {
      case 'init':
        context = createContext(channel, words, ahead)
        direct = words.directInputs
        void load(words, context).then((loaded) => {
          if (typeof loaded === 'string')
            return channel.send({ kind: 'initFailed', message: loaded })
          script = loaded
          return channel.send({ kind: 'ready' })
        })
        return
      case 'run':
        if (script !== undefined) begin(script, words)
        return
      case 'shutdown':
        void stop(script, context)
    }
  })
  const ahead = createAhead(channel)
  const begin = ({ run }: Script, words: RunWords): void => {
    const miniBatch = createMiniBatch(channel, words, direct)
    ahead.begin(miniBatch)
    const items = words.table?.records ?? words.items.length
    void runOne(channel, items, () => run(miniBatch, context)).finally(ahead.forget)
  }
}

const load = async (words: InitWords, context: ScriptContext): Promise<Script | string> => {
  // Only now: whatever starts this process must not be steered by a job's variables.
  Object.assign(process.env, words.environment)
  try {
    const script = readScript((await import(pathToFileURL(words.bundle).href)) as object)
    if (typeof script === 'string') return script
    try {
      await script.init?.(context)
    } catch (thrown) {
      return thrownSentence('init()', thrown)
    }
    return script
  } catch (thrown) {
    return thrownSentence('its first lines, while it was loaded', thrown)
  }
}

/** CommonJS scripts have their exports in `default`. */
const readScript = (module: object): Script | string => {
  const named = module as Readonly<Record<string, unknown>>
  const standard = named['default']
  const exported =
    typeof named['run'] !== 'function' && typeof standard === 'object' && standard !== null
      ? (standard as Readonly<Record<string, unknown>>)
      : named
  const entry = (name: string): Entry | undefined => {
    const value = exported[name]
    return typeof value === 'function' ? (value as Entry) : undefined
  }
  const run = entry('run')
  if (run === undefined) return 'The script exports no function "run".'
  return { init: entry('init'), run, shutdown: entry('shutdown') }
}

const most = {
  rows: limits.scriptRows,
  bytes: limits.scriptRowBytes,
  rowBytes: limits.rowBytes,
}

const runOne = async (channel: Channel, items: number, run: () => unknown): Promise<void> => {
  let value: unknown
  try {
    value = await run()
  } catch (thrown) {
    return channel.send({ kind: 'threw', message: thrownSentence('run()', thrown) })
  }
  const returned = readReturned(value, most)
  if (typeof returned === 'string') return channel.send({ kind: 'threw', message: returned })
  const { rows, keys } = returned
  if (rows.length > items && keys === null) tellMoreRows(rows.length, items)
  channel.send({ kind: 'returned', rows: rows.length, keys }, [Buffer.from(rows.join('\n'))])
}

let toldMoreRows = false

/** No failure, but worth a word, once: who returns more than was asked for may have meant something else. */
const tellMoreRows = (rows: number, items: number): void => {
  if (toldMoreRows) return
  toldMoreRows = true
  console.error(
    `run() returned ${rows} elements for ${items} items without keys: those too many belong to the last item.`,
  )
}

const stop = async (
  script: Script | undefined,
  context: ScriptContext | undefined,
): Promise<void> => {
  try {
    await script?.shutdown?.(context)
  } catch (thrown) {
    console.error(thrownSentence('shutdown()', thrown))
  }
  process.exit(0)
}
