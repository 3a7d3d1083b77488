import { Button, Modal } from '@mantine/core'
import { useState } from 'react'
import type { DatasetView } from '../../../protocol/control/registry-views.ts'
import { Age } from '../../ui/age.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { Preview } from '../new-job/preview.tsx'
import { Place } from './place.tsx'
import './data.css'

/** Registered choices, by name, the newest version first. */
export const DatasetTable = (props: { readonly datasets: readonly DatasetView[] }) => {
  const [looked, setLooked] = useState<DatasetView>()
  return (
    <div className="data-scroll" tabIndex={0} role="region" aria-label="Registered datasets">
      <table className="list data-table">
        <thead>
          <tr>
            <th scope="col">Dataset</th>
            <th scope="col">Items are</th>
            <th scope="col">Where</th>
            <th scope="col">Registered</th>
            <th scope="col">
              <span className="visually-hidden">What can be done</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.datasets.map((dataset) => (
            <DatasetRow
              key={`${dataset.name}:${dataset.version}`}
              dataset={dataset}
              look={() => setLooked(dataset)}
            />
          ))}
        </tbody>
      </table>
      <Modal
        opened={looked !== undefined}
        onClose={() => setLooked(undefined)}
        title={looked === undefined ? '' : `First items of ${looked.name}:${looked.version}`}
        size="xl"
        centered
      >
        {looked === undefined ? null : (
          <Preview input={{ dataset: looked.name, version: looked.version }} />
        )}
      </Modal>
    </div>
  )
}

const DatasetRow = (props: { readonly dataset: DatasetView; readonly look: () => void }) => {
  const { dataset, look } = props
  return (
    <tr>
      <td>
        <Name of={dataset} />
      </td>
      <td>
        {dataset.type === 'table' ? 'records' : 'files'}
        <ClippedText text={dataset.patterns.join(' ')} className="muted mono small data-patterns" />
      </td>
      <td>
        <Place of={dataset} />
      </td>
      <td>
        <Age at={dataset.registeredAt} />
        <span className="muted small data-by">by {dataset.registeredByName}</span>
      </td>
      <td>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`First items of ${dataset.name}:${dataset.version}`}
          onClick={look}
        >
          First items
        </Button>
      </td>
    </tr>
  )
}

export const Name = (props: {
  readonly of: Pick<DatasetView, 'name' | 'version' | 'description'>
}) => {
  const { name, version, description } = props.of
  return (
    <div className="data-name">
      <span className="clip" title={`${name}:${version}`}>
        <strong>{name}</strong>
        <span className="muted mono">:{version}</span>
      </span>
      {description === '' ? null : <ClippedText text={description} className="muted small" />}
    </div>
  )
}
