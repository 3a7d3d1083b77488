import { ActionIcon, Autocomplete, Button, TextInput } from '@mantine/core'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import type { ModelView } from '../../../protocol/control/views.ts'
import { newestFirst, textOf, withValue } from './draft.ts'
import { FieldGrid, isAbout } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import { scriptFields } from './form-fields.ts'
import { doubledNames, nameOf, scriptModels, withModels } from './script.ts'
import type { ScriptModel } from './script.ts'
import './new-job.css'

/** An entry script: its file, what travels with it, its arguments, and the models it may open. */
export const ScriptFields = (props: FormPart & { readonly models: readonly ModelView[] }) => {
  const { fields, change, problem } = props
  return (
    <>
      <TextInput
        size="sm"
        label="Entry script"
        placeholder="/home/anna/score.ts"
        description="A .ts or .js file with run(miniBatch, context); what it imports travels with it."
        value={textOf(fields['entry_script'])}
        error={problem !== '' && isAbout(problem, { path: ['entry_script'] }) ? problem : undefined}
        onChange={(event) => change(withValue(fields, ['entry_script'], event.currentTarget.value))}
      />
      <div className="script-fields">
        <FieldGrid {...props} of={scriptFields(fields)} />
      </div>
      <Models {...props} />
    </>
  )
}

const Models = (props: FormPart & { readonly models: readonly ModelView[] }) => {
  const { fields, change, problem } = props
  const { rows, setRows } = useRows(fields, change)
  const set = (at: number, next: Partial<ScriptModel>): void =>
    setRows(rows.map((row, index) => (index === at ? { ...row, ...next } : row)))
  const doubled = doubledNames(rows)
  const isWrong =
    problem !== '' &&
    (isAbout(problem, { path: ['models'] }) || isAbout(problem, { path: ['model'] }))
  return (
    <fieldset className="script-models">
      <legend>Models it may open</legend>
      {rows.map((row, at) => (
        <ModelRow
          key={at}
          row={row}
          at={at}
          models={props.models}
          isAlone={rows.length === 1}
          set={(next) => set(at, next)}
          remove={() => setRows(rows.filter((_, index) => index !== at))}
        />
      ))}
      {doubled.length === 0 ? null : (
        <p className="has-failed small" role="alert">
          Two models are called {doubled.join(', ')}; give one of them another name.
        </p>
      )}
      {isWrong ? (
        <p className="has-failed small" role="alert">
          {problem}
        </p>
      ) : null}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconPlus size="0.875rem" />}
        onClick={() => setRows([...rows, { name: '', model: '' }])}
      >
        Add a model
      </Button>
    </fieldset>
  )
}

const ModelRow = (props: {
  readonly row: ScriptModel
  readonly at: number
  readonly models: readonly ModelView[]
  /** The only model needs no name. */
  readonly isAlone: boolean
  readonly set: (next: Partial<ScriptModel>) => void
  readonly remove: () => void
}) => {
  const { row, at, models, isAlone, set, remove } = props
  const number = at + 1
  return (
    <div className="script-model">
      <Autocomplete
        size="xs"
        aria-label={`Model ${number}`}
        placeholder="a registered model, or a path"
        data={newestFirst(models).map(({ name, version }) => `${name}:${version}`)}
        limit={100}
        value={row.model}
        onChange={(model) => set({ model })}
      />
      <TextInput
        size="xs"
        aria-label={`Name of model ${number}`}
        placeholder={isAlone ? 'needs no name' : nameOf(row) || 'its name in the script'}
        value={row.name}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <ActionIcon variant="subtle" aria-label={`Remove model ${number}`} onClick={remove}>
        <IconX size="1rem" />
      </ActionIcon>
    </div>
  )
}

/** Keeps rows that the file cannot hold yet, such as an empty one, for as long as they say what it says. */
const useRows = (fields: FormPart['fields'], change: FormPart['change']) => {
  const [kept, setKept] = useState<readonly ScriptModel[]>(() => scriptModels(fields))
  const isSame =
    JSON.stringify(modelsIn(withModels(fields, kept))) === JSON.stringify(modelsIn(fields))
  const rows = isSame ? kept : scriptModels(fields)
  const setRows = (next: readonly ScriptModel[]): void => {
    setKept(next)
    change(withModels(fields, next))
  }
  return { rows, setRows }
}

const modelsIn = ({ model, models }: FormPart['fields']): unknown => [model, models]
