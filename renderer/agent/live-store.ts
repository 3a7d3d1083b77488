import { MusterFailure } from '../../protocol/errors.ts'
import type { ControlClient } from '../../protocol/control/client.ts'
import type { SnapshotView } from '../../protocol/control/views.ts'
import { applyDelta } from './live-state.ts'

/**
 * - `opening`: the first snapshot is on its way
 * - `live`: deltas are followed
 * - `away`: the agent does not answer; `data` is the last known state, `freshAt` its age
 * - `failing`: it answers with an error, `problem` is its sentence
 * - `signed-out`: the agent does not know our cookie
 */
export type LivePhase = 'opening' | 'live' | 'away' | 'failing' | 'signed-out'

export interface LiveState {
  readonly phase: LivePhase
  readonly data: SnapshotView | undefined
  /** When `data` was last known to be the truth, milliseconds since 1970. */
  readonly freshAt: number
  /** The agent's own sentence; empty unless `failing`. */
  readonly problem: string
}

/** The agent's state as seen from here, kept up to date for as long as the page is open. */
export interface LiveStore {
  readonly state: () => LiveState
  /** Returns a function that ends the subscription. */
  readonly subscribe: (listener: () => void) => () => void
  /** Follows the agent until aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface LiveDeps {
  readonly client: ControlClient
  readonly now: () => number
  /** Resolves after so long, or at once when aborted. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Waits between tries while the agent is away: quick at first, since most absences are restarts. */
const backoffMs = [250, 500, 1_000, 2_000, 4_000]
/** Deltas that arrive within this time are drawn together. */
const drawMs = 80
const signedOutRetryMs = 3_000

export const createLiveStore = (deps: LiveDeps): LiveStore => {
  const { client, now, wait } = deps
  const { subscribe, drawSoon } = createAudience()
  let state: LiveState = { phase: 'opening', data: undefined, freshAt: now(), problem: '' }

  const set = (next: LiveState): void => {
    // Listeners are told later, but `state` is the truth at once.
    state = next
    drawSoon()
  }

  /** One connection's life: a snapshot, then deltas until the stream ends. Returns whether it went well. */
  const followOnce = async (signal: AbortSignal): Promise<void> => {
    const data = await client.call('snapshot', { signal })
    set({ phase: 'live', data, freshAt: now(), problem: '' })
    for (;;) {
      let heard = false
      for await (const { sequence, delta } of client.follow(state.data?.sequence ?? 0, signal)) {
        heard = true
        const known = state.data
        if (known === undefined) return
        set({ ...state, data: applyDelta(known, sequence, delta), freshAt: now() })
      }
      // An end without a word, twice in a row, is an agent that goes away: ask for a snapshot again.
      if (!heard) return
    }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    let failures = 0
    while (!signal.aborted) {
      let phase: LivePhase = 'away'
      try {
        await followOnce(signal)
        failures = 0
        phase = state.phase
      } catch (thrown) {
        if (signal.aborted) return
        // Our place in the deltas is gone: no absence, only a new snapshot is needed.
        if (isCode(thrown, 'NotFound') && state.phase === 'live') {
          await wait(drawMs, signal)
          continue
        }
        phase = phaseAfter(thrown)
        if (state.phase === 'live') failures = 0
        set({
          ...state,
          phase,
          problem: phase === 'failing' && thrown instanceof Error ? thrown.message : '',
          freshAt: state.phase === 'live' ? now() : state.freshAt,
        })
      }
      const pause = backoffMs[Math.min(failures, backoffMs.length - 1)] ?? 0
      await wait(phase === 'signed-out' ? signedOutRetryMs : pause, signal)
      failures += 1
    }
  }

  return { state: () => state, subscribe, run }
}

const createAudience = () => {
  const listeners = new Set<() => void>()
  let drawing = false
  return {
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    drawSoon: (): void => {
      if (drawing) return
      drawing = true
      setTimeout(() => {
        drawing = false
        for (const listener of listeners) listener()
      }, drawMs)
    },
  }
}

const phaseAfter = (thrown: unknown): LivePhase => {
  if (isCode(thrown, 'Unauthorized') || isCode(thrown, 'Forbidden')) return 'signed-out'
  // A stream that breaks off in the middle is a TypeError of fetch.
  return isCode(thrown, 'AgentUnreachable') || thrown instanceof TypeError ? 'away' : 'failing'
}

const isCode = (thrown: unknown, code: string): boolean =>
  thrown instanceof MusterFailure && thrown.error.code === code
