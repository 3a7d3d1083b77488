import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { pairAll, repository, startAgentProcess, until } from '../tools/agents.ts'
import type { AgentProcess } from '../tools/agents.ts'
import { encodeGreyPng } from '../examples/mnist/digits.ts'
import { stripeClassifier } from '../test/support/models.ts'
import { cpuSeconds, spread } from './measure.ts'
import type { BenchResult } from './measure.ts'

const megabytes = Number(process.env['BENCH_MB'] ?? 256)
const pairs = Number(process.env['BENCH_PAIRS'] ?? 5)
const pixels = 64
const classes = (megabytes * 1_000_000) / pixels / 4
const blobBytes = pixels * classes * 4

/** Bytes a second, and seconds of CPU of both ends for 10^9 bytes. */
interface Figures {
  readonly rate: number
  readonly cpuPerGb: number
}

/** A child of `bare-stream-child.ts` and its lines. */
const startBare = async (args: readonly string[]) => {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(repository, 'bench/bare-stream-child.ts'), ...args],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  if (child.stdout === null) throw new Error('no stdout')
  const lines = createInterface({ input: child.stdout })
  const nextLine = async (): Promise<string> => {
    const [line] = (await once(lines, 'line')) as [string]
    return line
  }
  return { child, first: await nextLine(), nextLine }
}

/**
 * A worker fetches a model of `megabytes` from the submitter. The file's own times tell how long it took,
 * since it is made when the first byte comes and renamed when all are verified and on the disk.
 */
const fetchBlob = async (
  anna: AgentProcess,
  ben: AgentProcess,
  folder: string,
  round: number,
): Promise<Figures> => {
  const model = join(folder, `model-${round}`)
  await mkdir(model)
  const options = { side: 8, classes, external: 'w.bin' }
  await writeFile(join(model, 'm.onnx'), stripeClassifier(options))
  const weights = randomBytes(blobBytes)
  await writeFile(join(model, 'w.bin'), weights)
  const registered = await anna.client.call('registerModel', {
    body: { path: model, name: `large-${round}` },
  })
  const blob = registered.files.find(({ path }) => path === 'w.bin')?.blob ?? ''
  const cpu = cpuSeconds(anna.pid) + cpuSeconds(ben.pid)
  const { id } = await anna.client.call('submitJob', {
    body: {
      text: jobText(join(folder, 'items'), `large-${round}`),
      file: join(folder, 'job.yaml'),
    },
  })
  const path = join(ben.home, 'blobs', blob.slice(0, 2), blob.slice(2))
  await until(
    'the blob is there',
    async () => (await stat(path).catch(() => undefined)) !== undefined,
  )
  const { birthtimeMs, ctimeMs, size } = await stat(path)
  const cpuPerGb = ((cpuSeconds(anna.pid) + cpuSeconds(ben.pid) - cpu) / size) * 1e9
  await anna.client.call('cancelJob', { query: { job: id } }).catch(() => undefined)
  await until('the job has ended', async () =>
    ['Canceled', 'Failed', 'Completed'].includes(
      (await anna.client.call('job', { query: { job: id } })).state,
    ),
  )
  // Pages of the page cache are used again by the next round. Memory that a virtual machine has not been given
  // yet costs its kernel up to 9 us a page, which says nothing about a transfer.
  await rm(model, { recursive: true })
  for (const { home } of [anna, ben]) await rm(join(home, 'blobs', blob.slice(0, 2), blob.slice(2)))
  return { rate: size / ((ctimeMs - birthtimeMs) / 1_000), cpuPerGb }
}

/** Bytes a second of `/muster/blob` between two agents, against a bare libp2p stream in the same run. */
export const benchBlob = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-blob-'))
  await mkdir(join(folder, 'items'))
  await writeFile(join(folder, 'items/0.png'), encodeGreyPng(new Uint8Array(pixels), 8, 8))
  const [anna, ben] = await Promise.all([
    startAgentProcess({ name: 'anna', home: join(folder, 'anna'), slots: 0 }),
    startAgentProcess({ name: 'ben', home: join(folder, 'ben'), slots: 1 }),
  ])
  const server = await startBare([])
  const client = await startBare([server.first])
  const bareCpu = (): number =>
    cpuSeconds(server.child.pid ?? 0) + cpuSeconds(client.child.pid ?? 0)
  const runBare = async (): Promise<Figures> => {
    const cpu = bareCpu()
    client.child.stdin?.write(`${blobBytes}\n`)
    const { seconds } = JSON.parse(await client.nextLine()) as { seconds: number }
    return { rate: blobBytes / seconds, cpuPerGb: ((bareCpu() - cpu) / blobBytes) * 1e9 }
  }
  try {
    await pairAll(anna, [{ agent: ben, roles: ['work'] }])
    const bare: Figures[] = []
    const muster: Figures[] = []
    for (let round = 0; round <= pairs; round += 1) {
      const one = await runBare()
      const other = await fetchBlob(anna, ben, folder, round)
      // The first of each is cold.
      if (round === 0) continue
      bare.push(one)
      muster.push(other)
    }
    const ratios = muster.map(({ rate }, i) => rate / (bare[i]?.rate ?? Infinity))
    const rates = (of: readonly Figures[]) => spread(of.map(({ rate }) => rate / 1e6))
    const cpu = (of: readonly Figures[]) => spread(of.map(({ cpuPerGb }) => cpuPerGb))
    return {
      bench: 'blob',
      megabytes,
      pairs,
      ratio: spread(ratios).median,
      spread: spread(ratios),
      musterMbPerSecond: rates(muster),
      bareMbPerSecond: rates(bare),
      musterCpuSecondsPerGb: cpu(muster),
      bareCpuSecondsPerGb: cpu(bare),
    }
  } finally {
    for (const { child } of [client, server]) child.kill()
    await Promise.allSettled([ben.stop(), anna.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}

const jobText = (items: string, model: string): string => `
name: blob
runtime: onnx
model: ${model}
inputs:
  items: { path: ${JSON.stringify(items)}, pattern: "*.png" }
preprocess: { decode: image, width: 8, height: 8, channels: gray }
postprocess: { kind: argmax }
`
