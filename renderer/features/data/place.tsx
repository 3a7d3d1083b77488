import type { DatasetView, DatastoreView } from '../../../protocol/control/registry-views.ts'
import { ClippedText } from '../../ui/clipped-text.tsx'
import './data.css'

/** Where data lies: its path, and below it on which machine, in which share or datastore. */
export const Place = (props: {
  readonly of: Pick<DatastoreView, 'path' | 'share' | 'peerName'> &
    Partial<Pick<DatasetView, 'datastore'>>
}) => {
  const { path, share, peerName, datastore = '' } = props.of
  const holder =
    datastore !== ''
      ? `in the datastore ${datastore}`
      : share !== ''
        ? `in the share ${share}`
        : `on ${peerName}`
  return (
    <div className="data-place">
      <ClippedText text={path} className="mono" />
      <span className="muted small">{holder}</span>
    </div>
  )
}
