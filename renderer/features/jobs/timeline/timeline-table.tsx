import { durationText } from '../../../../protocol/control/progress-line.ts'
import { formatCount, formatMiniBatch } from '../../../ui/format.ts'
import { StateMark } from '../../../ui/state-mark.tsx'

import { outcomes } from './spans.ts'
import type { Lane } from './spans.ts'
import { clockText } from './view.ts'
import type { TimeView } from './view.ts'

/** More would not be read; zooming brings the others. */
const shownMost = 200

/** The bars in sight as a table, newest first: for screen readers, and for copying. */
export const TimelineTable = (props: {
  readonly lanes: readonly Lane[]
  readonly view: TimeView
}) => {
  const { lanes, view } = props
  const seen = lanes
    .flatMap(({ name, bars }) => bars.map((bar) => ({ ...bar, name })))
    .filter(({ from, to }) => to >= view.from && from <= view.to)
    .sort((a, b) => b.from - a.from)
  return (
    <div className="panel scroll-panel" tabIndex={0} role="region" aria-label="Attempts">
      <table className="list">
        <caption className="timeline-caption">
          {seen.length > shownMost
            ? `The newest ${shownMost} of ${formatCount(seen.length)} attempts in this time`
            : `${formatCount(seen.length)} attempts in this time`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Started</th>
            <th scope="col">Peer</th>
            <th scope="col" className="number">
              Mini-batch
            </th>
            <th scope="col" className="number">
              Attempt
            </th>
            <th scope="col" className="number">
              Took
            </th>
            <th scope="col">Outcome</th>
          </tr>
        </thead>
        <tbody>
          {seen.slice(0, shownMost).map(({ span, from, to, name }) => (
            <tr key={`${span.miniBatch}.${span.attempt}`}>
              <td className="mono">{clockText(from, true)}</td>
              <td>{name}</td>
              <td className="number">{formatMiniBatch(span.miniBatch)}</td>
              <td className="number">{span.attempt}</td>
              <td className="number">{durationText(to - from)}</td>
              <td>
                <StateMark {...outcomes[span.outcome]} />
                {span.detail === '' ? null : <span className="muted"> {span.detail}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
