import type { JobDetailView } from '../../../protocol/control/job-views.ts'
import { Bar } from '../../ui/bar.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatCount, formatPercent } from '../../ui/format.ts'
import './jobs.css'

/** Who did how much of the job. */
export const Peers = (props: { readonly detail: JobDetailView | undefined }) => {
  const { detail } = props
  if (detail === undefined) return <p className="muted">Asking for the peers …</p>
  if (detail.peers.length === 0) {
    return (
      <Empty sentence="Each machine’s share is shown here once its first mini-batch is committed." />
    )
  }
  const sorted = [...detail.peers].sort((a, b) => b.items - a.items)
  return (
    <div className="panel scroll-panel" tabIndex={0} role="region" aria-label="Peers">
      <table className="list peers">
        <thead>
          <tr>
            <th scope="col">Peer</th>
            <th scope="col">Share of items</th>
            <th scope="col" className="number">
              Items
            </th>
            <th scope="col" className="number">
              Mini-batches
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((peer) => (
            <tr key={peer.peer}>
              <td className="peer-name" title={peer.peer}>
                <ClippedText text={peer.name} />
              </td>
              <td className="share">
                <Bar
                  label={`Share of ${peer.name}`}
                  thin
                  parts={[{ share: peer.share, colour: 'var(--committed-mark)' }]}
                />
                <span>{formatPercent(peer.share)}</span>
              </td>
              <td className="number">{formatCount(peer.items)}</td>
              <td className="number">{formatCount(peer.miniBatches)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
