import { useDatasets, useDatastores } from '../../agent/data-queries.ts'
import { Answer } from '../../ui/answer.tsx'
import { Empty } from '../../ui/empty.tsx'
import { DatasetTable } from './dataset-table.tsx'
import { DatastoreTable } from './datastore-table.tsx'
import { RegisterDataset, RegisterDatastore } from './register-data.tsx'
import './data.css'

/** Named places of data, and named choices of files and tables in them. */
export const DataPage = () => {
  const datastores = useDatastores()
  const datasets = useDatasets()
  return (
    <>
      <header className="page-head">
        <h1>Data</h1>
        <RegisterDatastore />
        <RegisterDataset datastores={datastores.data?.datastores ?? []} />
      </header>
      <div className="data">
        <section className="panel data-part" aria-labelledby="datasets">
          <h2 id="datasets" className="panel-title">
            Datasets
          </h2>
          <Answer of={datasets} what="the datasets">
            {({ datasets: known }) =>
              known.length > 0 ? (
                <DatasetTable datasets={known} />
              ) : (
                <Empty sentence="A dataset names a choice of files or a table, so that jobs can ask for it by its name and version. Register the folder you use most." />
              )
            }
          </Answer>
        </section>
        <section className="panel data-part" aria-labelledby="datastores">
          <h2 id="datastores" className="panel-title">
            Datastores
          </h2>
          <Answer of={datastores} what="the datastores">
            {({ datastores: known }) => <DatastoreTable datastores={known} />}
          </Answer>
        </section>
      </div>
    </>
  )
}
