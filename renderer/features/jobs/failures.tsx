import type { JobDetailView } from '../../../protocol/control/views.ts'
import { Empty } from '../../ui/empty.tsx'
import { formatCount } from '../../ui/format.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import './jobs.css'

/** The four ways to fail, in words. */
const causes: Readonly<Record<string, string>> = {
  item: 'Bad item',
  threw: 'Threw',
  'timed-out': 'Timed out',
  'process-died': 'Process died',
}

/** Failures grouped by cause, the most frequent first. */
export const Failures = (props: { readonly detail: JobDetailView | undefined }) => {
  const { detail } = props
  if (detail === undefined) return <p className="muted">Asking for the failures …</p>
  if (detail.failures.length === 0) return <Empty sentence="Nothing has failed in this job." />
  const sorted = [...detail.failures].sort((a, b) => b.count - a.count)
  return (
    <div className="panel scroll-panel" tabIndex={0} role="region" aria-label="Failures">
      <table className="list failures">
        <thead>
          <tr>
            <th scope="col">Cause</th>
            <th scope="col" className="number">
              Count
            </th>
            <th scope="col">What happened</th>
            <th scope="col">First at</th>
            <th scope="col">Peer</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ cause, message, count, first }) => (
            <tr key={`${cause} ${message}`}>
              <td>
                <StateMark tone="failed" word={causes[cause] ?? cause} />
              </td>
              <td className="number">{formatCount(count)}</td>
              <td>{message}</td>
              <td>
                {first.item === '' ? null : <span className="mono">{first.item} </span>}
                <span className="muted">
                  mini-batch {formatCount(first.miniBatch)}, attempt {first.attempt}
                </span>
              </td>
              <td>{first.peerName}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
