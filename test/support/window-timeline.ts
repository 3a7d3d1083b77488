import type { AttemptSpanView, JobView, TimelineView } from '#protocol/control/job-views.ts'

const names = ['anna', 'ben', 'cem', 'dora']

/** Slots of each machine; the last is lost on the way, the third goes when its owner is back. */
const slots = [2, 4, 2, 1]
const spanMs = 150_000

/**
 * Two and a half minutes of attempts up to now, or up to the end of the job: machines of different speed,
 * an owner who comes back, a lost machine, one retry and one failure.
 */
export const makeTimeline = (job: JobView, since: number): TimelineView => {
  const at = Date.now()
  const end = job.endedAt ?? at
  const attempts: AttemptSpanView[] = []
  const start = end - spanMs
  let miniBatch = 0
  for (const [peer, count] of slots.entries()) {
    for (let slot = 0; slot < count; slot += 1) {
      let time = start + peer * 900 + slot * 130
      const until = peer === 2 ? start + 80_000 : peer === 3 ? start + 52_000 : end
      while (time < until) {
        const span = spanOf({ peer, time, end, miniBatch, job })
        attempts.push(span)
        miniBatch += 1
        // Data is on its way: a gap on the second machine.
        time =
          span.endedAt === null
            ? until
            : span.endedAt + (peer === 1 && miniBatch % 40 === 7 ? 6_000 : 60)
      }
    }
  }
  attempts.sort((a, b) => (a.grantedAt ?? 0) - (b.grantedAt ?? 0))
  return {
    at,
    from: 0,
    note: '',
    peers: names.map((name, index) => ({ peer: `peer-${index}`, name })),
    attempts: attempts.filter((span) => (span.endedAt ?? at) >= since),
  }
}

const spanOf = (of: {
  readonly peer: number
  readonly time: number
  readonly end: number
  readonly miniBatch: number
  readonly job: JobView
}): AttemptSpanView => {
  const { peer, time, end, miniBatch, job } = of
  const ms = [900, 1_300, 2_100, 3_000][peer] ?? 1_000
  const takes = ms * (0.7 + ((miniBatch * 37) % 60) / 100)
  const isOpen = time + takes > end && job.endedAt === null
  const outcome = isOpen
    ? 'running'
    : peer === 3 && time > end - spanMs + 49_000
      ? 'freed'
      : miniBatch % 53 === 11
        ? 'charged'
        : miniBatch % 131 === 40
          ? 'failed'
          : 'committed'
  return {
    miniBatch,
    attempt: outcome === 'failed' ? 3 : 1,
    peer,
    grantedAt: time - 40,
    startedAt: time,
    endedAt: isOpen ? null : time + takes,
    runMs: outcome === 'committed' ? takes : null,
    outcome,
    detail:
      outcome === 'freed'
        ? 'the machine was lost'
        : outcome === 'charged' || outcome === 'failed'
          ? 'The worker process ended while it ran the mini-batch.'
          : '',
  }
}
