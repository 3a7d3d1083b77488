// One measurement of `bench/plan.ts` in a process of its own: prints {seconds, found, firstSeconds, peakMB}.
//
//   plan-child.ts walk|names|plan-files FOLDER      plan-child.ts count|plan-table FOLDER
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createThreadedPlanner } from '#agent/data/plan/threaded-planner.ts'
import { asJobId } from '#protocol/model/ids.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { itemsOf } from '#protocol/model/plan.ts'
import { encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { specOf } from '../test/unit/data/specs.ts'
import { peakMemory, round } from './measure.ts'

const [mode = '', folder = ''] = process.argv.slice(2)

/** Every name, and with `facts` size and time of every file: what a plan cannot do without. */
const walk = (facts: boolean): number => {
  let found = 0
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined; at = folders.pop())
    for (const entry of readdirSync(at, { withFileTypes: true }))
      if (entry.isDirectory()) folders.push(join(at, entry.name))
      else if (!facts || statSync(join(at, entry.name)).isFile()) found += 1
  return found
}

/** Line feeds of one file, byte by byte: faster here than asking for the next one again and again. */
const countLines = (): number => {
  const file = openSync(join(folder, 'table.csv'), 'r')
  const block = new Uint8Array(1024 * 1024)
  let lines = 0
  for (let at = 0; ;) {
    const length = readSync(file, block, 0, block.length, at)
    if (length === 0) break
    for (let i = 0; i < length; i += 1) if (block[i] === 10) lines += 1
    at += length
  }
  closeSync(file)
  return lines
}

const inputs: Readonly<Record<string, JobInput>> = {
  'plan-files': { kind: 'files', name: 'in', root: folder, patterns: ['**/*'] },
  'plan-table': {
    kind: 'table',
    name: 'in',
    root: folder,
    patterns: ['table.csv'],
    format: 'delimited',
    delimiter: ',',
    header: true,
  },
}

/** As an agent plans: in its thread, each chunk encoded as its blob. */
const plan = async (input: JobInput): Promise<{ found: number; first: number; bytes: number }> => {
  const isTable = input.kind === 'table'
  const spec = {
    ...specOf({ root: folder }),
    inputs: [input],
    miniBatchSize: isTable
      ? ({ kind: 'bytes', bytes: 1_048_576 } as const)
      : ({ kind: 'items', items: 10 } as const),
  }
  const job = asJobId('0'.repeat(26))
  const forever = new AbortController().signal
  let [found, first, bytes] = [0, 0, 0]
  for await (const chunk of createThreadedPlanner().plan(job, spec, undefined, forever)) {
    if (found === 0) first = performance.now() - started
    found += itemsOf(chunk)
    bytes += encodePlanChunk(chunk).length
  }
  return { found, first, bytes }
}

const started = performance.now()
const input = inputs[mode]
const planned = input === undefined ? undefined : await plan(input)
const found = planned?.found ?? (mode === 'count' ? countLines() : walk(mode === 'walk'))
const seconds = (performance.now() - started) / 1_000
console.log(
  JSON.stringify({
    seconds: round(seconds),
    found,
    firstSeconds: round((planned?.first ?? 0) / 1_000),
    planMB: round((planned?.bytes ?? 0) / 1e6),
    peakMB: peakMemory(process.pid),
  }),
)
process.exit(0)
