import { execFile } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { repository } from '../tools/agents.ts'
import { round, spread } from './measure.ts'
import type { BenchResult } from './measure.ts'

const files = Number(process.env['BENCH_FILES'] ?? 1_000_000)
const megabytes = Number(process.env['BENCH_MB'] ?? 1_000)
const pairs = Number(process.env['BENCH_PAIRS'] ?? 3)
const perFolder = 1_000

const makeFiles = (folder: string): void => {
  for (let i = 0; i < files; i += 1) {
    const below = join(folder, String(Math.floor(i / perFolder)).padStart(6, '0'))
    if (i % perFolder === 0) mkdirSync(below)
    writeFileSync(join(below, `${String(i).padStart(8, '0')}.png`), '')
  }
}

/** Rows of about 60 bytes, one field in ten in quotes, one in a hundred of these with a line end in it. */
const makeTable = (folder: string): void => {
  const file = openSync(join(folder, 'table.csv'), 'w')
  writeSync(file, 'id,store,price,comment,when\n')
  let id = 0
  for (let written = 0; written < megabytes * 1_000_000;) {
    let text = ''
    while (text.length < 1_000_000) {
      const said =
        id % 10 === 0 ? `"good, ${id % 1_000 === 0 ? 'or\nnot' : 'cheap'}"` : 'plain words'
      text += `${id},store ${id % 97},${(id % 10_000) / 100},${said},2026-11-22T12:00:${id % 60}\n`
      id += 1
    }
    written += writeSync(file, text)
  }
  closeSync(file)
}

interface Measured {
  readonly seconds: number
  readonly found: number
  readonly firstSeconds: number
  readonly planMB: number
  readonly peakMB: number
}

const run = async (mode: string, folder: string): Promise<Measured> => {
  const child = join(repository, 'bench/plan-child.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [child, mode, folder])
  return JSON.parse(stdout) as Measured
}

/** Measures one after the other, so that a busy minute hits all of them. */
const compare = async (folder: string, modes: readonly string[]) => {
  const rounds: Measured[][] = []
  for (let i = 0; i < pairs; i += 1) {
    const round: Measured[] = []
    for (const mode of modes) round.push(await run(mode, folder))
    rounds.push(round)
  }
  return modes.map((_, mode) => rounds.map((round) => round[mode] as Measured))
}

const ratio = (ours: readonly Measured[], bare: readonly Measured[]) =>
  spread(ours.map((one, i) => one.seconds / (bare[i]?.seconds ?? Number.NaN)))

const figures = (all: readonly Measured[]) => ({
  seconds: spread(all.map((one) => one.seconds)),
  firstChunkSeconds: spread(all.map((one) => one.firstSeconds)),
  peakMB: Math.max(...all.map((one) => one.peakMB)),
  planMB: all[0]?.planMB,
})

/** Seconds and memory of planning many files and a large table, against a bare walk and a bare line count. */
export const benchPlan = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-plan-'))
  try {
    const tables = join(folder, 'tables')
    mkdirSync(tables)
    makeTable(tables)
    const [count = [], table = []] = await compare(tables, ['count', 'plan-table'])
    await rm(tables, { recursive: true })
    const many = join(folder, 'files')
    mkdirSync(many)
    makeFiles(many)
    const [names = [], walk = [], plan = []] = await compare(many, ['names', 'walk', 'plan-files'])
    if (plan.some((one) => one.found !== files)) throw new Error('a file went missing')
    return {
      bench: 'plan',
      files,
      filesRatio: ratio(plan, walk),
      filesOverNames: ratio(plan, names),
      filesPlan: figures(plan),
      walkSeconds: spread(walk.map((one) => one.seconds)),
      tableMB: megabytes,
      records: table[0]?.found,
      tableRatio: ratio(table, count),
      tablePlan: figures(table),
      countSeconds: spread(count.map((one) => one.seconds)),
      pairs: round(pairs),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
