import { useQueryClient } from '@tanstack/react-query'
import type { DatastoreView } from '../../../protocol/control/registry-views.ts'
import { datastoresKey } from '../../agent/data-queries.ts'
import { useCommand } from '../../agent/queries.ts'
import { Age } from '../../ui/age.tsx'
import { AskFirst } from '../../ui/ask-first.tsx'
import { Name } from './dataset-table.tsx'
import { Place } from './place.tsx'
import './data.css'

/** Named places, the default one first. */
export const DatastoreTable = (props: { readonly datastores: readonly DatastoreView[] }) => (
  <div className="data-scroll" tabIndex={0} role="region" aria-label="Registered datastores">
    <table className="list data-table">
      <thead>
        <tr>
          <th scope="col">Datastore</th>
          <th scope="col">Where</th>
          <th scope="col">Registered</th>
          <th scope="col">
            <span className="visually-hidden">What can be done</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {props.datastores.map((datastore) => (
          <tr key={datastore.name}>
            <td>
              <Name of={datastore} />
            </td>
            <td>
              <Place of={datastore} />
            </td>
            <td>
              {datastore.isDefault ? (
                <span className="muted">always there</span>
              ) : (
                <>
                  <Age at={datastore.registeredAt} />
                  <span className="muted small data-by">by {datastore.registeredByName}</span>
                </>
              )}
            </td>
            <td>{datastore.isDefault ? null : <Remove datastore={datastore} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

const Remove = (props: { readonly datastore: DatastoreView }) => {
  const { name } = props.datastore
  const queries = useQueryClient()
  const remove = useCommand('removeDatastore')
  return (
    <AskFirst
      label="Remove"
      name={`Remove ${name}`}
      title={`Remove ${name}?`}
      leave="Keep it"
      confirm="Remove the name"
      act={async () => {
        await remove.mutateAsync({ query: { datastore: name } })
        await queries.invalidateQueries({ queryKey: datastoresKey })
        return `${name} is removed; its files stay.`
      }}
    >
      Jobs and datasets that name it no longer find it. Its files stay where they are.
    </AskFirst>
  )
}
