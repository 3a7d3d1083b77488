import type { Halving } from '#protocol/model/half.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { Charge, CommitGroup, JobOutcome } from '#protocol/model/record.ts'
import type { Term } from '#protocol/model/term.ts'
import type { World } from './world.ts'

/** Records of heads, as all machines will read them. */
export type SimulatedRecord =
  | {
      readonly kind: 'committed'
      readonly job: JobId
      readonly term: Term
      readonly groups: readonly CommitGroup[]
    }
  | {
      readonly kind: 'charged'
      readonly job: JobId
      readonly term: Term
      readonly charges: readonly Charge[]
    }
  | {
      readonly kind: 'mini-batches-halved'
      readonly job: JobId
      readonly term: Term
      readonly halvings: readonly Halving[]
    }
  | {
      readonly kind: 'job-closed'
      readonly job: JobId
      readonly term: Term
      readonly outcome: JobOutcome
      readonly reason: string
    }

/** One life of an agent that writes. Its log is a chain: after the first lost record all later ones are lost. */
export interface Writer {
  readonly isAlive: () => boolean
  lost: boolean
}

/** What is durable. A crash loses what was not yet, or only the word that it is. */
export interface SimulatedLedger {
  readonly records: SimulatedRecord[]
  /** `durable` is called once the record cannot be lost, unless the writer died meanwhile. */
  readonly append: (record: SimulatedRecord, writer: Writer, durable: () => void) => void
  readonly onAdded: (listener: (record: SimulatedRecord) => void) => void
}

export const createLedger = (world: World): SimulatedLedger => {
  const records: SimulatedRecord[] = []
  const listeners: ((record: SimulatedRecord) => void)[] = []
  let lastWrite = 0
  /** A busy disk stalls now and then. */
  const fsyncMs = (): number =>
    world.random.chance(0.02) ? world.random.between(50, 400) : world.random.between(2, 25)
  return {
    records,
    append: (record, writer, durable) => {
      // One log: what is appended later becomes durable later.
      lastWrite = Math.max(lastWrite, world.now() + fsyncMs())
      world.after(lastWrite - world.now(), () => {
        const alive = writer.isAlive()
        if (writer.lost || (!alive && world.random.chance(0.5))) {
          writer.lost = true
          world.count('records lost in a crash')
          return
        }
        records.push(record)
        for (const listener of listeners) listener(record)
        if (alive) durable()
        else world.count('records durable without a word')
      })
    },
    onAdded: (listener) => {
      listeners.push(listener)
    },
  }
}
