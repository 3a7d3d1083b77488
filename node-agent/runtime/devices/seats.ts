import type { ProcessExit, WorkerProcess } from '#agent/ports/runtime.ts'
import type { MusterError } from '#protocol/errors.ts'
import { onProcessor } from './providers.ts'
import type { DeviceChoice, DevicePlan, Provider } from './providers.ts'

/**
 * The processes of one job on this machine, where its model's device is `auto`. One of them measures, the
 * others compute on the processor until it knows; then they try the winner themselves, so that a graphics
 * card that is busy with the first leaves the others where they are faster.
 */
export interface Seats {
  /** A place for one more process. */
  readonly take: () => Seat
}

/** One process's part in the choice. */
export interface Seat {
  readonly plan: DevicePlan
  /** Its process said what computes now. */
  readonly heard: (choice: DeviceChoice) => void
  /** The process loads: from now on it can be told a new plan, and its end is watched. */
  readonly opened: (process: WorkerProcess, tell: (plan: DevicePlan) => void) => WorkerProcess
  /** Its process did not get ready. True: a candidate may be to blame, and the next start does without. */
  readonly lost: (error: MusterError) => boolean
}

export interface SeatsDeps {
  /** Begins a sentence: `The model "name" version 1`. */
  readonly model: string
  readonly candidates: readonly Provider[]
  /** Says one sentence in the log. */
  readonly say: (message: string) => void
}

export const createSeats = ({ model, candidates, say }: SeatsDeps): Seats => {
  let winner: Provider | undefined
  let measuring: object | undefined
  const waiting = new Map<object, (plan: DevicePlan) => void>()

  const decide = (provider: Provider): void => {
    winner = provider
    measuring = undefined
    if (provider !== 'cpu')
      for (const tell of waiting.values()) tell({ kind: 'measure', candidates: [provider] })
    waiting.clear()
  }
  const giveUp = (why: string): void => {
    say(`${model} runs on cpu here: trying ${candidates.join(' and ')} ${why}.`)
    decide('cpu')
  }
  /** Whoever measured is gone without a fault: the next one does it. */
  const passOn = (): void => {
    measuring = undefined
    const [next] = waiting
    if (next === undefined) return
    const [seat, tell] = next
    waiting.delete(seat)
    measuring = seat
    tell({ kind: 'measure', candidates })
  }
  const planFor = (seat: object): DevicePlan => {
    if (winner !== undefined)
      return winner === 'cpu' ? onProcessor : { kind: 'measure', candidates: [winner] }
    if (measuring !== undefined) return onProcessor
    measuring = seat
    return { kind: 'measure', candidates }
  }
  const ended = (seat: object, exit: ProcessExit, runs: number): void => {
    waiting.delete(seat)
    if (measuring !== seat) return
    if (exit.kind === 'crashed' || exit.kind === 'out-of-memory') giveUp('ended its process')
    // Killed in the middle of measuring: most likely it took longer than the job's time limit.
    else if (runs > 0) giveUp('was cut off before it was done')
    else passOn()
  }

  const take = (): Seat => {
    const seat = {}
    const plan = planFor(seat)
    return {
      plan,
      heard: ({ provider, message }) => {
        say(message)
        if (measuring === seat || provider === 'cpu') waiting.delete(seat)
        if (measuring === seat) decide(provider)
      },
      opened: (process, tell) => {
        if (winner === undefined && measuring === undefined) {
          measuring = seat
          tell({ kind: 'measure', candidates })
        } else if (winner === undefined && measuring !== seat) waiting.set(seat, tell)
        else if (winner !== undefined && winner !== 'cpu' && plan.kind === 'first')
          tell({ kind: 'measure', candidates: [winner] })
        const counted = countRuns(process)
        void process.exited.then((exit) => ended(seat, exit, counted.runs()))
        return counted.process
      },
      lost: ({ code, retryable }) => {
        if (measuring !== seat) return false
        // What the model itself is refused for is not; a process that died or hung is.
        const blamed = code === 'InitFailed' && retryable
        if (blamed) giveUp('ended its process')
        else passOn()
        return blamed
      },
    }
  }
  return { take }
}

const countRuns = (process: WorkerProcess) => {
  let runs = 0
  const run: WorkerProcess['run'] = async (request) => {
    runs += 1
    const outcome = await process.run(request)
    runs -= 1
    return outcome
  }
  return { process: { ...process, run }, runs: () => runs }
}
