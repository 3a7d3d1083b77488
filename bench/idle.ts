import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { pairAll, startAgentProcess, until } from '../tools/agents.ts'
import { cpuSeconds, peakMemory, round } from './measure.ts'
import type { BenchResult } from './measure.ts'

const seconds = Number(process.env['BENCH_SECONDS'] ?? 30)

const residentMb = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024)
}

/** What an agent costs that has nothing to do, in a cluster of two. */
export const benchIdle = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-idle-'))
  const at = (name: string) => startAgentProcess({ name, home: join(folder, name), slots: 1 })
  const first = await Promise.all([at('head'), at('worker')])
  await pairAll(first[0], [{ agent: first[1], roles: ['work'] }])
  // The first start compiles what later ones find.
  await Promise.all(first.map((agent) => agent.stop()))
  const [head, worker] = await Promise.all([at('head'), at('worker')])
  try {
    await until('they have met', async () => {
      const { peers } = await head.client.call('peers')
      return peers.every(({ liveness }) => liveness === 'self' || liveness === 'alive')
    })
    await wait(5_000)
    const before = [cpuSeconds(head.pid), cpuSeconds(worker.pid)]
    const started = performance.now()
    await wait(seconds * 1_000)
    const passed = (performance.now() - started) / 1_000
    const share = (pid: number, from: number): number =>
      round(((cpuSeconds(pid) - from) / passed) * 100)
    const headPercent = share(head.pid, before[0] ?? 0)
    const workerPercent = share(worker.pid, before[1] ?? 0)
    return {
      bench: 'idle',
      seconds,
      memoryMb: Math.max(residentMb(head.pid), residentMb(worker.pid)),
      corePercent: Math.max(headPercent, workerPercent),
      head: {
        memoryMb: residentMb(head.pid),
        peakMb: peakMemory(head.pid),
        corePercent: headPercent,
      },
      worker: {
        memoryMb: residentMb(worker.pid),
        peakMb: peakMemory(worker.pid),
        corePercent: workerPercent,
      },
    }
  } finally {
    await Promise.allSettled([worker.stop(), head.stop()])
    await rm(folder, { recursive: true, force: true })
  }
}
