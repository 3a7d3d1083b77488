import { mkdtemp, readFile } from 'node:fs/promises'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { writeDigits } from '../examples/mnist/digits.ts'
import type { JobView } from '#protocol/control/job-views.ts'
import { allRows, pairAll, repository, startAgentProcess, untilFinal } from './agents.ts'
import type { AgentProcess, AgentSettings } from './agents.ts'

/**
 * The main job, for real: agents as processes of their own find each other, pair, share out real digits in
 * leased mini-batches, survive one of them being killed, and bring every row home.
 */
const help = `npm run demo -- [options]
  --count N      digits, 1 to 10,000 (10,000)
  --agents N     agents, 3 to 8: a head, a submitter who is also the keeper, and workers (4)
  --kill WHO     worker, head, keeper or none: killed with kill -9 on the way, then started again (worker)
  --keep         leave the agents running at the end, to look at the page
  --json         one line of JSON at the end instead of words`

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    agents: { type: 'string', default: '4' },
    kill: { type: 'string', default: 'worker' },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const count = Number(values.count)
const agentCount = Number(values.agents)
const isKill = ['worker', 'head', 'keeper', 'none'].includes(values.kill)
const fits = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most
if (values.help || !isKill || !fits(count, 1, 10_000) || !fits(agentCount, 3, 8)) {
  console.error(help)
  process.exit(values.help ? 0 : 2)
}

const say = (text: string): void => {
  if (!values.json) console.log(text)
}

interface Outcome {
  readonly rows: number
  readonly expected: number
  readonly duplicates: number
  readonly accuracy: number
  readonly agents: number
  readonly killed: string
  readonly killedAt: number
  /** Mini-batches that the killed worker held. */
  readonly held: number
  /** Those of them that others finished from copies, while the head had not given the worker up yet. */
  readonly copied: number
  /** Those of them that others did when they had been taken from it; what is left it did itself in its next life. */
  readonly passedOn: number
  readonly leasesLost: number
  readonly charged: number
  readonly itemsStreamed: number
  readonly imagesPerSecond: number
  readonly seconds: number
  readonly perPeer: Readonly<Record<string, number>>
  readonly output: string
  readonly database: string
  readonly state: string
}

/** The agents by part; a killed one is replaced by its next life. */
interface Cast {
  head: AgentProcess
  keeper: AgentProcess
  readonly workers: AgentProcess[]
}

/** All agents are of one user here, who could open the files in place; an office's are not. */
const streamAlways = ['--no-in-place']

const workerNames = ['ada', 'ben', 'cem', 'dora', 'emil', 'fay']

const startCast = async (folder: string): Promise<Cast> => {
  const settings = (name: string, slots: number): AgentSettings => ({
    name,
    slots,
    home: join(folder, name),
    more: streamAlways,
  })
  const workers = workerNames.slice(0, agentCount - 2).map((name) => settings(name, 1))
  const all = [settings('head', 0), settings('keeper', 0), ...workers]
  const [head, keeper, ...rest] = await Promise.all(all.map(startAgentProcess))
  if (head === undefined || keeper === undefined) throw new Error('no agents')
  return { head, keeper, workers: rest }
}

interface Kill {
  readonly name: string
  /** By the clock of this machine, which is that of all agents. */
  readonly at: number
}

/** Kills the one asked for while leases are held, and starts it again on the same home. */
const killOne = async (cast: Cast): Promise<Kill> => {
  let at = 0
  const again = async (agent: AgentProcess, slots: number): Promise<AgentProcess> => {
    await agent.killHard()
    at = Date.now()
    return startAgentProcess({ name: agent.name, home: agent.home, slots, more: streamAlways })
  }
  if (values.kill === 'head') {
    cast.head = await again(cast.head, 0)
    return { name: cast.head.name, at }
  }
  if (values.kill === 'keeper') {
    cast.keeper = await again(cast.keeper, 0)
    return { name: cast.keeper.name, at }
  }
  const [victim] = cast.workers
  if (victim === undefined) throw new Error('no worker')
  cast.workers[0] = await again(victim, 1)
  return { name: victim.name, at }
}

/** What became of the leases that a killed worker held, by the head's story of the job. */
const fateOf = async (
  cast: Cast,
  job: string,
  { name, at }: Kill,
): Promise<Pick<Outcome, 'held' | 'copied' | 'passedOn'>> => {
  if (values.kill !== 'worker' || name === '') return { held: 0, copied: 0, passedOn: 0 }
  const { peers, attempts } = await cast.head.client.call('timeline', { query: { job } })
  const its = peers.findIndex((peer) => peer.name === name)
  const held = attempts.filter(
    ({ peer, grantedAt, endedAt, outcome }) =>
      peer === its &&
      (grantedAt ?? 0) <= at &&
      (endedAt ?? Infinity) > at &&
      outcome !== 'committed',
  )
  const byOthers = held.flatMap(({ miniBatch, endedAt }) => {
    const other = attempts.find(
      (one) => one.miniBatch === miniBatch && one.peer !== its && one.outcome === 'committed',
    )
    // Committed while the killed worker still had its lease: from a copy.
    return other === undefined ? [] : (other.endedAt ?? Infinity) <= (endedAt ?? Infinity)
  })
  const copied = byOthers.filter((isCopy) => isCopy).length
  return { held: held.length, copied, passedOn: byOthers.length - copied }
}

const printProgress = (job: JobView): void => {
  if (values.json || !process.stdout.isTTY) return
  const done = job.itemsSucceeded + job.itemsFailed
  const rate = job.itemsPerSecond === null ? '' : ` · ${Math.round(job.itemsPerSecond)}/s`
  process.stdout.write(`\r  ${done} / ${job.items}${rate}      `)
}

/** Items received over the network, of all workers, the killed one's first life included. */
const createStreamCount = (cast: Cast) => {
  const byLife = new Map<string, number>()
  return {
    look: async (): Promise<void> => {
      for (const { client, pid } of cast.workers) {
        const agent = await client.call('agent').catch(() => undefined)
        if (agent !== undefined) byLife.set(String(pid), agent.itemsStreamed)
      }
    },
    sum: (): number => [...byLife.values()].reduce((sum, items) => sum + items, 0),
  }
}

const runJob = async (cast: Cast, digits: string, labels: readonly number[]): Promise<Outcome> => {
  const file = join(repository, 'examples/mnist/job.yaml')
  const started = performance.now()
  const submitted = await cast.keeper.client.call('submitJob', {
    body: {
      text: await readFile(file, 'utf8'),
      file,
      overrides: { 'inputs.digits.path': digits, mini_batch_size: 10 },
    },
  })
  let killed: Kill = { name: '', at: 0 }
  let killedAt = 0
  let leasesLost = 0
  const streamed = createStreamCount(cast)
  const job = await untilFinal(() => cast.keeper.client, submitted.id, {
    seen: async (seen) => {
      printProgress(seen)
      leasesLost = Math.max(leasesLost, seen.leasesLost)
      const share = (seen.itemsSucceeded + seen.itemsFailed) / count
      await streamed.look()
      if (values.kill === 'none' || killed.name !== '' || share < 0.3 || share > 0.7) return
      if (seen.leased === 0) return
      killedAt = share
      killed = { name: values.kill, at: 0 }
      killed = await killOne(cast)
      say(`\n  ${killed.name} was killed at ${Math.round(share * 100)} % and started again`)
    },
  })
  const seconds = (performance.now() - started) / 1_000
  await streamed.look()
  const rows = await allRows(cast.keeper.client, job.id)
  const detail = await cast.keeper.client.call('job', { query: { job: job.id } })
  const found = rows.filter((row) => row.failure === '')
  const right = found.filter(
    (row) => Number((row.value as { prediction: string }).prediction) === labels[row.item],
  )
  say(`\n\n  first rows:`)
  for (const row of found.slice(0, 10)) say(`    ${JSON.stringify(row.value)}`)
  return {
    rows: found.length,
    expected: count,
    duplicates: found.length - new Set(found.map((row) => row.item)).size,
    accuracy: Math.round((right.length / Math.max(1, found.length)) * 10_000) / 10_000,
    agents: agentCount,
    killed: killed.name,
    ...(await fateOf(cast, job.id, killed)),
    killedAt: Math.round(killedAt * 100) / 100,
    leasesLost: Math.max(leasesLost, job.leasesLost),
    charged: job.charged,
    itemsStreamed: streamed.sum(),
    imagesPerSecond: Math.round(count / seconds),
    seconds: Math.round(seconds * 100) / 100,
    perPeer: Object.fromEntries(detail.peers.map((peer) => [peer.name, peer.items])),
    output: job.output,
    database: join(cast.keeper.home, 'muster.db'),
    state: job.state,
  }
}

/** `ada, with kill -9: of 12 mini-batches that it held others did 7, and 2 from copies; 3 leases were lost` */
const killedText = ({ killed, held, copied, passedOn, leasesLost }: Outcome): string => {
  if (killed === '') return 'nobody'
  const who = `${killed}, with kill -9`
  if (values.kill !== 'worker') return `${who}; ${leasesLost} leases lost`
  const lost = `${leasesLost} leases were lost`
  return `${who}: of ${held} mini-batches that it held others did ${passedOn}, and ${copied} from copies; ${lost}`
}

const print = (outcome: Outcome): void => {
  const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
  const shares = Object.entries(outcome.perPeer)
    .map(([name, items]) => `${name} ${items} (${Math.round((items / outcome.expected) * 100)} %)`)
    .join(', ')
  say(`
  rows        ${outcome.rows} of ${outcome.expected}, ${outcome.duplicates} doubled
  accuracy    ${percent(outcome.accuracy)}
  speed       ${outcome.imagesPerSecond} images/s (${outcome.seconds} s from submit to sealed)
  share       ${shares}
  streamed    ${outcome.itemsStreamed} items over the network
  killed      ${killedText(outcome)}; ${outcome.charged} attempts charged
  output      ${outcome.output}
  database    ${outcome.database}`)
}

const isFine = (outcome: Outcome): boolean =>
  outcome.state === 'Completed' &&
  outcome.rows === outcome.expected &&
  outcome.duplicates === 0 &&
  (values.kill === 'none' || outcome.killed !== '' || count < 1_000)

/** The page is built once; without `--keep` nobody looks at it. */
const buildPage = (): void => {
  if (existsSync(join(repository, 'dist/renderer/index.html'))) return
  const launcher = join(repository, 'tools/pinned-node.mjs')
  const vite = ['vite', 'build', '--config', 'renderer/vite.config.ts', '--logLevel', 'warn']
  spawnSync(process.execPath, [launcher, ...vite], { cwd: repository, stdio: 'inherit' })
}

const main = async (): Promise<number> => {
  if (values.keep) buildPage()
  const folder = await mkdtemp(join(tmpdir(), 'muster-demo-'))
  const digits = join(folder, 'digits')
  say(`Muster: ${count} real digits over ${agentCount} agents, in ${folder}\n`)
  const { labels } = await writeDigits({ folder: digits, count })
  const cast = await startCast(folder)
  const everybody = (): readonly AgentProcess[] => [cast.head, cast.keeper, ...cast.workers]
  try {
    await pairAll(cast.head, [
      { agent: cast.keeper, roles: ['submit'] },
      ...cast.workers.map((agent) => ({ agent, roles: ['work' as const] })),
    ])
    say(
      `  ${agentCount} agents are paired: ${everybody()
        .map((agent) => agent.name)
        .join(', ')}`,
    )
    const outcome = await runJob(cast, digits, labels)
    if (values.json) console.log(JSON.stringify(outcome))
    else print(outcome)
    if (values.keep) await keepOpen(cast, folder)
    return isFine(outcome) ? 0 : 1
  } finally {
    // Output and database are named above: the folder stays.
    await Promise.allSettled(everybody().map((agent) => agent.stop()))
  }
}

const keepOpen = async (cast: Cast, folder: string): Promise<void> => {
  const { url } = await cast.keeper.client.call('signInCode')
  say(`\n  The page is at ${url}`)
  say(`  Later: bin/muster ui --home ${cast.keeper.home}   Ctrl+C stops the agents in ${folder}.`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
}

process.exitCode = await main()
if (!values.keep) say(`\n  Look at it: npm run demo -- --keep, then open the address it prints.`)
