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

export const createSeats = (deps: SeatsDeps): Seats => {
  const choice: Choice = { ...deps, waiting: new Map() }
  return { take: () => takeSeat(choice) }
}

/** How far the choice is. */
interface Choice extends SeatsDeps {
  winner?: Provider | undefined
  /** The seat whose process measures. */
  measuring?: object | undefined
  /** Seats on the processor that can be told more. */
  readonly waiting: Map<object, (plan: DevicePlan) => void>
}

const takeSeat = (choice: Choice): Seat => {
  const seat = {}
  const plan = planFor(choice, seat)
  return {
    plan,
    heard: ({ provider, message }) => {
      choice.say(message)
      if (choice.measuring === seat || provider === 'cpu') choice.waiting.delete(seat)
      if (choice.measuring === seat) decide(choice, provider)
    },
    opened: (process, tell) => {
      if (plan.kind === 'first') seatOpened(choice, seat, tell)
      const counted = countRuns(process)
      void process.exited.then((exit) => seatEnded(choice, seat, exit, counted.runs()))
      return counted.process
    },
    lost: ({ code, retryable }) => {
      if (choice.measuring !== seat) return false
      // What the model itself is refused for is not; a process that died or hung is.
      const blamed = code === 'InitFailed' && retryable
      if (blamed) giveUp(choice, 'ended its process')
      else passOn(choice)
      return blamed
    },
  }
}

const planFor = (choice: Choice, seat: object): DevicePlan => {
  const { winner, candidates } = choice
  if (winner === 'cpu') return onProcessor
  if (winner !== undefined) return { kind: 'measure', candidates: [winner] }
  if (choice.measuring !== undefined) return onProcessor
  choice.measuring = seat
  return { kind: 'measure', candidates }
}

/** A process that began on the processor, while another measured, can be told more from now on. */
const seatOpened = (choice: Choice, seat: object, tell: (plan: DevicePlan) => void): void => {
  // Decided, or given up, while it was loading.
  if (choice.winner !== undefined || choice.measuring === undefined) {
    const plan = planFor(choice, seat)
    if (plan.kind === 'measure') tell(plan)
  } else choice.waiting.set(seat, tell)
}

const seatEnded = (choice: Choice, seat: object, exit: ProcessExit, runs: number): void => {
  choice.waiting.delete(seat)
  if (choice.measuring !== seat) return
  if (exit.kind === 'crashed' || exit.kind === 'out-of-memory') giveUp(choice, 'ended its process')
  // Killed in the middle of measuring: most likely it took longer than the job's time limit.
  else if (runs > 0) giveUp(choice, 'was cut off before it was done')
  else passOn(choice)
}

const decide = (choice: Choice, provider: Provider): void => {
  choice.winner = provider
  choice.measuring = undefined
  if (provider !== 'cpu')
    for (const tell of choice.waiting.values()) tell({ kind: 'measure', candidates: [provider] })
  choice.waiting.clear()
}

const giveUp = (choice: Choice, why: string): void => {
  const { model, candidates, say } = choice
  say(`${model} runs on cpu here: trying ${candidates.join(' and ')} ${why}.`)
  decide(choice, 'cpu')
}

/** Whoever measured is gone without a fault: the next one does it. */
const passOn = (choice: Choice): void => {
  choice.measuring = undefined
  const [next] = choice.waiting
  if (next === undefined) return
  const [seat, tell] = next
  choice.waiting.delete(seat)
  choice.measuring = seat
  tell({ kind: 'measure', candidates: choice.candidates })
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
