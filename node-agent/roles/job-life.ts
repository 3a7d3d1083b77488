import type { HandlerDeps } from '#agent/effects/control/handlers/handler-deps.ts'
import type { Views } from '#agent/ports/views.ts'
import type { AttemptSpan } from '#agent/scheduler/timeline.ts'
import type { MiniBatchMapView, TimelineView } from '#protocol/control/job-views.ts'
import { limits } from '#protocol/limits.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Core } from './core.ts'

/** What became of a job's mini-batches and their attempts: from the schedule at the head, from the ledger elsewhere. */

export interface LifeDeps {
  readonly core: Core
  readonly views: Views
}

export type MapRange = Parameters<HandlerDeps['miniBatchMap']>[1]

const isOver = (fold: JobFold): boolean => fold.closed !== null || fold.sealed !== null

export const miniBatchMap = async (
  deps: LifeDeps,
  fold: JobFold,
  range: MapRange,
): Promise<MiniBatchMapView> => {
  const total = fold.forgotten === undefined ? fold.miniBatches : 0
  const from = Math.min(range.from ?? 0, total)
  const to = Math.min(total, from + (range.count ?? total))
  const states = await statesOf(deps, fold, from, to)
  const isNamed = range.peers && to - from <= limits.mapPeers
  const named = isNamed ? await runsOf(deps, fold, from, to) : { peers: [], runs: [] }
  return { total, first: from, states, ...named }
}

const statesOf = async (
  { core, views }: LifeDeps,
  fold: JobFold,
  from: number,
  to: number,
): Promise<string> => {
  const scheduled = isOver(fold) ? undefined : core.head.states(fold.job.id, from, to - from)
  if (scheduled !== undefined) return scheduled
  const letters = Buffer.alloc(to - from, isOver(fold) ? 'x' : '.')
  const charged = new Set<number>()
  const write = (miniBatch: number, letter: string): void => {
    if (miniBatch >= from && miniBatch < to) letters.write(letter, miniBatch - from)
  }
  for (const charge of await views.charges(fold.job.id)) {
    charged.add(charge.miniBatch)
    if (charge.final) write(charge.miniBatch, 'f')
  }
  for (const miniBatch of await views.halved(fold.job.id)) write(miniBatch, 'h')
  for (const { from: first, to: end } of await views.commitRuns(fold.job.id, from, to))
    letters.fill('c', first - from, end - from)
  for (const miniBatch of charged)
    if (letters[miniBatch - from] === committed) write(miniBatch, 'r')
  return letters.toString('latin1')
}

const committed = 'c'.charCodeAt(0)

/** Who committed or holds each mini-batch, as runs. */
const runsOf = async (
  { core, views }: LifeDeps,
  fold: JobFold,
  from: number,
  to: number,
): Promise<Pick<MiniBatchMapView, 'peers' | 'runs'>> => {
  const places = createPlaces(core.nameOf)
  const peerAt = new Int32Array(to - from).fill(-1)
  for (const run of await views.commitRuns(fold.job.id, from, to))
    peerAt.fill(places.of(run.peer), run.from - from, run.to - from)
  for (const [miniBatch, peer] of core.head.holders(fold.job.id, from, to))
    if (peerAt[miniBatch - from] === -1) peerAt[miniBatch - from] = places.of(peer)
  const runs: [number, number][] = []
  let last: number | undefined
  for (const [at, peer] of peerAt.entries()) {
    if (peer !== last) runs.push([from + at, peer])
    last = peer
  }
  return { peers: places.list, runs }
}

const createPlaces = (nameOf: (peer: PeerId) => string) => {
  const places = new Map<PeerId, number>()
  const list: { peer: string; name: string }[] = []
  return {
    list,
    of: (peer: PeerId): number => {
      const known = places.get(peer)
      if (known !== undefined) return known
      places.set(peer, list.length)
      return list.push({ peer, name: nameOf(peer) }) - 1
    },
  }
}

/** The head's memory of attempts; elsewhere a sentence where to look. */
export const timelineOf = (core: Core, fold: JobFold, since: number): TimelineView => {
  const told = core.head.timeline(fold.job.id, since)
  if (told === undefined) return { at: 0, from: 0, note: elsewhere(core), peers: [], attempts: [] }
  const places = createPlaces(core.nameOf)
  const attempts = told.spans.map((span) => toView(span, places.of(span.peer)))
  return { at: told.at, from: told.from, note: '', peers: places.list, attempts }
}

const toView = (span: AttemptSpan, peer: number): TimelineView['attempts'][number] => ({
  ...span,
  peer,
})

const elsewhere = (core: Core): string => {
  const head = core.member.head()
  return head === null
    ? 'Only the head remembers who ran what and when, and no head is known now.'
    : `Only the head remembers who ran what and when: open the window on ${core.nameOf(head.head)}.`
}
