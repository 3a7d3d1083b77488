import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { DatasetView } from '../../../protocol/control/registry-views.ts'
import {
  firstInput,
  inputsOf,
  isTablePath,
  lookAt,
  readsTable,
  textOf,
  withValue,
} from './draft.ts'
import { isAbout } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import { Preview } from './preview.tsx'
import { shellOf } from './shell.ts'
import type { FileFields } from './yaml.ts'
import './new-job.css'

/** Nobody types faster, and the agent lists a folder for each answer. */
const typingMs = 350

/** Which items: a folder, a table, or a registered dataset; the first of them are shown. */
export const DataSection = (props: FormPart & { readonly datasets: readonly DatasetView[] }) => {
  const { fields, change, problem, datasets } = props
  const { name, place } = firstInput(fields)
  const more = inputsOf(fields).length - 1
  const isDataset = place['dataset'] !== undefined
  const set = (next: FileFields): void => change(withValue(fields, ['inputs', name], next))
  const [look] = useDebouncedValue(lookAt(fields), typingMs)
  const isWrong = problem !== '' && isAbout(problem, { path: ['inputs', name] })
  const part = { place, set, error: isWrong ? problem : undefined }
  return (
    <section className="form-part" aria-labelledby="new-data">
      <div className="form-head">
        <h2 id="new-data">Data</h2>
        {datasets.length === 0 && !isDataset ? null : (
          <SegmentedControl
            size="xs"
            aria-label="Where the data is"
            value={isDataset ? 'dataset' : 'place'}
            onChange={(kind) => set(kind === 'dataset' ? { dataset: '' } : { path: '' })}
            data={[
              { value: 'place', label: 'Folder or file' },
              { value: 'dataset', label: 'Registered dataset' },
            ]}
          />
        )}
      </div>
      {isDataset ? (
        <DatasetChoice {...part} datasets={datasets} />
      ) : (
        <Place {...part} isTable={readsTable(fields, datasets)} />
      )}
      {more > 0 ? (
        <p className="muted small">
          {more === 1 ? 'A further input stays' : `${more} further inputs stay`} as the file has it.
        </p>
      ) : null}
      {look === undefined ? null : <Preview input={look} />}
    </section>
  )
}

interface Part {
  readonly place: FileFields
  readonly set: (place: FileFields) => void
  readonly error: string | undefined
}

const DatasetChoice = (props: Part & { readonly datasets: readonly DatasetView[] }) => (
  <Select
    size="sm"
    label="Dataset"
    placeholder="Choose a dataset"
    data={[...new Set(props.datasets.map(({ name }) => name))]}
    value={textOf(props.place['dataset']) === '' ? null : textOf(props.place['dataset'])}
    onChange={(name) => props.set({ dataset: name ?? '' })}
    searchable
    error={props.error}
  />
)

const Place = (props: Part & { readonly isTable: boolean }) => {
  const { place, set, error, isTable } = props
  const shell = shellOf()
  const setPath = (path: string): void =>
    set({
      ...place,
      path,
      // A table is known by its ending; what a person said stays.
      ...(isTablePath(path) && place['type'] === undefined ? { type: 'table' } : {}),
    })
  const choose = async (): Promise<void> => {
    const path = await shell?.chooseFolder()
    if (path !== undefined) setPath(path)
  }
  return (
    <>
      <div className="form-row">
        <TextInput
          size="sm"
          className="form-grow"
          label="Folder, or file of a table"
          placeholder="/home/anna/pictures"
          value={textOf(place['path'])}
          error={error}
          onChange={(event) => setPath(event.currentTarget.value)}
        />
        {shell === undefined ? null : (
          <Button size="sm" variant="default" onClick={() => void choose()}>
            Choose …
          </Button>
        )}
      </div>
      <Which place={place} set={set} isTable={isTable} />
    </>
  )
}

/** Which of the files, and what of them is an item. */
const Which = (props: Omit<Part, 'error'> & { readonly isTable: boolean }) => {
  const { place, set, isTable } = props
  const patterns = place['patterns']
  return (
    <div className="form-row">
      <TextInput
        size="sm"
        className="form-grow"
        label="Which files"
        placeholder={Array.isArray(patterns) ? patterns.join(' ') : '**/*'}
        disabled={Array.isArray(patterns)}
        value={textOf(place['pattern'])}
        onChange={(event) => {
          const pattern = event.currentTarget.value
          const { pattern: _, ...others } = place
          set(pattern === '' ? others : { ...others, pattern })
        }}
      />
      <div className="form-choice">
        <span id="each-item">Each item is</span>
        <SegmentedControl
          size="sm"
          aria-labelledby="each-item"
          value={isTable ? 'table' : 'files'}
          onChange={(type) => set({ ...place, type })}
          data={[
            { value: 'files', label: 'a file' },
            { value: 'table', label: 'a record' },
          ]}
        />
      </div>
    </div>
  )
}
