import type { MachineView } from '../../protocol/control/views.ts'

/** Load of one machine over the last minutes, oldest first. `seconds` are whole, since 1970. */
export interface LoadSeries {
  readonly seconds: readonly number[]
  /** 0 to 1; null where nothing was heard. */
  readonly load: readonly (number | null)[]
}

export interface LoadHistory {
  /** Notes what a machine told at `nowMs`; several tellings within a second count as the last. */
  readonly note: (machines: readonly MachineView[], nowMs: number) => void
  readonly series: (peer: string, nowMs: number) => LoadSeries
}

/** The line on a machine's card shows this many seconds. */
export const loadWindowSeconds = 300

/** Keeps loads in the page only: the agent has no history of them, and none is needed after a reload. */
export const createLoadHistory = (): LoadHistory => {
  const loadBySecond = new Map<string, Map<number, number>>()
  return {
    note: (machines, nowMs) => {
      const second = Math.floor(nowMs / 1_000)
      for (const machine of machines) {
        if (machine.liveness !== 'alive' && machine.liveness !== 'self') continue
        const known = loadBySecond.get(machine.peer) ?? new Map<number, number>()
        loadBySecond.set(machine.peer, known)
        known.set(second, machine.load)
        for (const old of known.keys()) {
          if (old >= second - loadWindowSeconds) break
          known.delete(old)
        }
      }
    },
    series: (peer, nowMs) => toSeries(loadBySecond.get(peer), Math.floor(nowMs / 1_000)),
  }
}

/** Heartbeats are about a second apart; a gap of more than this is shown as a gap. */
const bridgeSeconds = 5

const toSeries = (known: ReadonlyMap<number, number> | undefined, second: number): LoadSeries => {
  const seconds: number[] = []
  const load: (number | null)[] = []
  let last: number | undefined
  for (const [at, value] of known ?? []) {
    if (at < second - loadWindowSeconds) continue
    if (last !== undefined && at - last > bridgeSeconds) {
      seconds.push(last + 1)
      load.push(null)
    }
    seconds.push(at)
    load.push(value)
    last = at
  }
  return { seconds, load }
}
