import type { AttemptSpanView, TimelineView } from '../../../../protocol/control/job-views.ts'
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

/** A bar: from when it ran (or was granted, if it is not known when it began) to its end, or to `now`. */
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

/**
 * The head hears of many short runs at once, so their ends say little: what it knows is how long each ran,
 * that it ended after the peer's report before, and not before it was granted. Laid from the last end back
 * into as few rows as that allows, they stand as the slots ran them.
 */
const layLane = (
  peer: string,
  name: string,
  { spans, now }: { readonly spans: readonly Span[]; readonly now: number },
): Lane => {
  const rows: number[] = []
  const bars: Bar[] = []
  for (const known of newestFirst(spans, now)) {
    const { from, to } = known
    let row = roomiest(rows, (end) => Math.min(to, end) >= known.notBefore)
    let end = Math.min(to, rows[row] ?? Infinity)
    if (row === -1 || (from !== undefined && end < to)) {
      row = from === undefined ? -1 : roomiest(rows, (free) => free >= to)
      end = to
    }
    if (row === -1) row = rows.length < rowsMost ? rows.push(Infinity) - 1 : rows.length - 1
    const start = from ?? end - known.runMs
    rows[row] = start
    bars.push({ span: known.span, from: start, to: end, row })
  }
  bars.sort((a, b) => a.from - b.from)
  return { peer, name, bars, rows: Math.max(1, rows.length) }
}

/** The row that is free the longest among those that fit; -1 if none does. */
const roomiest = (rows: readonly number[], fits: (freeUntil: number) => boolean): number => {
  let best = -1
  for (const [row, freeUntil] of rows.entries())
    if (fits(freeUntil) && (best === -1 || freeUntil > (rows[best] ?? 0))) best = row
  return best
}

interface Known {
  readonly span: Span
  /** Latest end. */
  readonly to: number
  /** Earliest end. */
  readonly notBefore: number
  /** Set where the beginning is known better than the length. */
  readonly from: number | undefined
  readonly runMs: number
}

/** Clocks and messages are not exact: a run may have ended so long before the report before, ms. */
const slackMs = 25

/** What is known of each attempt that ran, the last end first; attempts given back before they began are left out. */
const newestFirst = (spans: readonly Span[], now: number): readonly Known[] => {
  const ends = [...new Set(spans.map(({ endedAt }) => endedAt ?? now))].sort((a, b) => a - b)
  const before = new Map(ends.map((end, at) => [end, ends[at - 1] ?? -Infinity]))
  return spans
    .flatMap((span, order) => {
      const { startedAt, grantedAt, endedAt, runMs, outcome } = span
      if (startedAt === null && (outcome === 'waiting' || outcome === 'freed')) return []
      const to = endedAt ?? now
      const from = runMs === null ? Math.min(to, startedAt ?? grantedAt ?? to) : undefined
      const length = Math.min(runMs ?? 0, to - (grantedAt ?? -Infinity))
      const earliest = Math.max((grantedAt ?? -Infinity) + length, (before.get(to) ?? 0) - slackMs)
      return [{ span, order, to, from, runMs: length, notBefore: Math.min(to, earliest) }]
    })
    .sort((a, b) => b.to - a.to || b.order - a.order)
}

/** How an outcome is shown. */
export const outcomes: Readonly<
  Record<Span['outcome'], { readonly tone: StateTone; readonly word: string }>
> = {
  waiting: { tone: 'waiting', word: 'Granted' },
  running: { tone: 'running', word: 'Running' },
  committed: { tone: 'committed', word: 'Committed' },
  duplicate: { tone: 'canceled', word: 'Not needed any more' },
  charged: { tone: 'retried', word: 'Failed, tried again' },
  failed: { tone: 'failed', word: 'Failed for good' },
  freed: { tone: 'canceled', word: 'Given back' },
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

/** Granted long before it began: then its data was on the way, or the model was being loaded. */
const wordsBetween = (before: Bar, after: Bar): string => {
  const gap = after.from - before.to
  const granted = after.span.grantedAt ?? after.from
  if (after.from - granted > gap / 2) return 'waiting for data or model'
  return before.span.outcome === 'freed' ? before.span.detail : 'nothing to do'
}
