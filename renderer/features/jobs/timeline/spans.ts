import type { AttemptSpanView, TimelineView } from '../../../../protocol/control/views.ts'
import type { StateTone } from '../../../theme/colours.ts'

/** One attempt with its peer by id; times by the head's clock. */
export type Span = Omit<AttemptSpanView, 'peer'> & { readonly peer: string }

/** What the page knows of a job's attempts, gathered from answers that each tell only what is new. */
export interface SpanBook {
  readonly spans: ReadonlyMap<number, Span>
  /** Names by peer id. */
  readonly names: ReadonlyMap<string, string>
  /** The head's clock at the newest answer; 0 before the first. */
  readonly at: number
  readonly from: number
  readonly note: string
}

export const emptyBook: SpanBook = { spans: new Map(), names: new Map(), at: 0, from: 0, note: '' }

/** The head keeps no more either. */
export const spansMost = 20_000

/** Attempts of one mini-batch are far fewer. */
const attemptsMost = 2 ** 20

const keyOf = ({ miniBatch, attempt }: Pick<Span, 'miniBatch' | 'attempt'>): number =>
  miniBatch * attemptsMost + attempt

/** The book with an answer added; the newest word on an attempt counts. */
export const addAnswer = (book: SpanBook, answer: TimelineView): SpanBook => {
  const spans = new Map(book.spans)
  const names = new Map(book.names)
  for (const { peer, name } of answer.peers) names.set(peer, name)
  for (const span of answer.attempts) {
    const peer = answer.peers[span.peer]?.peer ?? ''
    const known = spans.get(keyOf(span))
    // The head may have forgotten the beginning meanwhile.
    spans.set(keyOf(span), {
      ...span,
      peer,
      grantedAt: span.grantedAt ?? known?.grantedAt ?? null,
      startedAt: span.startedAt ?? known?.startedAt ?? null,
    })
  }
  for (const key of spans.keys()) {
    if (spans.size <= spansMost) break
    spans.delete(key)
  }
  return { spans, names, at: answer.at, from: answer.from, note: answer.note }
}

/** A bar: from when it ran (or was granted, if it never ran) to its end, or to `now`. */
export interface Bar {
  readonly span: Span
  readonly from: number
  readonly to: number
  /** Place among the rows of its lane. */
  readonly row: number
}

/** One peer: its bars by time, and how many rows they need. */
export interface Lane {
  readonly peer: string
  readonly name: string
  readonly bars: readonly Bar[]
  readonly rows: number
}

/** More slots than these are drawn over each other: lines thinner than 3 px tell nothing. */
const rowsMost = 32

/** All peers in the order of their names; bars that overlap stand below each other, as their slots did. */
export const layLanes = (book: SpanBook, now: number): readonly Lane[] => {
  const byPeer = new Map<string, Span[]>()
  for (const span of book.spans.values()) {
    const list = byPeer.get(span.peer)
    if (list === undefined) byPeer.set(span.peer, [span])
    else list.push(span)
  }
  return [...byPeer]
    .map(([peer, spans]) => layLane(peer, book.names.get(peer) ?? peer, { spans, now }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

const layLane = (
  peer: string,
  name: string,
  { spans, now }: { readonly spans: readonly Span[]; readonly now: number },
): Lane => {
  const drawn = spans
    .flatMap((span) => {
      const ends = extentOf(span, now)
      return ends === undefined ? [] : [{ span, ...ends }]
    })
    .sort((a, b) => a.from - b.from)
  const freeAt: number[] = []
  const bars = drawn.map((bar) => {
    let row = freeAt.findIndex((at) => at <= bar.from)
    if (row === -1) row = freeAt.length < rowsMost ? freeAt.length : earliest(freeAt)
    freeAt[row] = bar.to
    return { ...bar, row }
  })
  return { peer, name, bars, rows: Math.max(1, freeAt.length) }
}

const earliest = (times: readonly number[]): number => times.indexOf(Math.min(...times))

/** When an attempt ran; undefined for one that was given back before it began. */
const extentOf = (
  { startedAt, grantedAt, endedAt, outcome }: Span,
  now: number,
): { readonly from: number; readonly to: number } | undefined => {
  if (startedAt === null && (outcome === 'waiting' || outcome === 'freed')) return undefined
  const to = endedAt ?? now
  return { from: Math.min(to, startedAt ?? grantedAt ?? to), to }
}

/** How an outcome is shown. */
export const outcomes: Readonly<
  Record<Span['outcome'], { readonly tone: StateTone; readonly word: string }>
> = {
  waiting: { tone: 'waiting', word: 'Granted' },
  running: { tone: 'running', word: 'Running' },
  committed: { tone: 'committed', word: 'Committed' },
  duplicate: { tone: 'cancelled', word: 'Not needed any more' },
  charged: { tone: 'retried', word: 'Failed, tried again' },
  failed: { tone: 'failed', word: 'Failed for good' },
  freed: { tone: 'cancelled', word: 'Given back' },
}

/** A time without any bar on a lane, and why. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly words: string
}

/** Times of at least `leastMs` in which nothing ran on a lane, between its first bar and `until`. */
export const gapsOf = (
  lane: Lane,
  options: { readonly leastMs: number; readonly until: number; readonly lastWords: string },
): readonly Gap[] => {
  const gaps: Gap[] = []
  let end: Bar | undefined
  const note = (to: number, words: string): void => {
    if (end !== undefined && to - end.to >= options.leastMs) gaps.push({ from: end.to, to, words })
  }
  for (const bar of lane.bars) {
    note(bar.from, end === undefined ? '' : wordsBetween(end, bar))
    if (end === undefined || bar.to > end.to) end = bar
  }
  note(options.until, options.lastWords)
  return gaps
}

/** Granted long before it began: then its data was on the way. */
const wordsBetween = (before: Bar, after: Bar): string => {
  const gap = after.from - before.to
  const granted = after.span.grantedAt ?? after.from
  if (after.from - granted > gap / 2) return 'waiting for data'
  return before.span.outcome === 'freed' ? before.span.detail : 'nothing to do'
}
