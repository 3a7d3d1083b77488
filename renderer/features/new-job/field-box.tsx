import { Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import { valueAt, withValue } from './draft.ts'
import { boxText, boxValue, refusalOf } from './form-fields.ts'
import type { FormField } from './form-fields.ts'
import type { FileFields } from './yaml.ts'
import './new-job.css'

/** What a part of the form shows and changes. */
export interface FormPart {
  readonly fields: FileFields
  readonly change: (fields: FileFields) => void
  /** The agent's sentence about the file, shown at the field it names. */
  readonly problem: string
}

/** Whether a sentence of the agent is about a field, by its dotted name or that of what it is in. */
export const isAbout = (sentence: string, { path }: Pick<FormField, 'path'>): boolean =>
  sentence.includes(`"${path.join('.')}"`) || sentence.includes(`"${path.join('.')}.`)

/** Boxes side by side, each with its default in sight. */
export const FieldGrid = (props: FormPart & { readonly of: readonly FormField[] }) => (
  <div className="field-grid">
    {props.of.map((field) => (
      <FieldBox key={field.path.join('.')} field={field} {...props} />
    ))}
  </div>
)

const FieldBox = (props: FormPart & { readonly field: FormField }) => {
  const { field, fields, change, problem } = props
  const value = valueAt(fields, field.path)
  const text = boxText(value)
  // What can be told at once is; the agent's own sentence comes later and only when all else is there.
  const refusal = refusalOf(field, value)
  const told = problem !== '' && isAbout(problem, field) ? problem : undefined
  const error = refusal === '' ? told : refusal
  const set = (value: unknown): void => change(withValue(fields, field.path, value))
  const label = (
    <>
      {field.label}
      {field.hint === undefined ? null : <span className="field-hint"> {field.hint}</span>}
    </>
  )
  const shared = { size: 'xs', label, error } as const
  if (field.kind === 'flag') {
    return (
      <Select
        {...shared}
        data={['on', 'off']}
        placeholder={field.standard}
        value={text === '' ? null : text === 'true' ? 'on' : 'off'}
        onChange={(value) => set(value === null ? undefined : value === 'on')}
        clearable
      />
    )
  }
  if (field.kind === 'choice') {
    return (
      <Select
        {...shared}
        data={[...(field.options ?? [])]}
        placeholder={field.standard}
        value={text === '' ? null : text}
        onChange={(value) => set(value ?? undefined)}
        clearable
      />
    )
  }
  return (
    <RawText
      field={field}
      text={text}
      set={set}
      box={(raw, write) => (
        <TextInput
          {...shared}
          placeholder={field.standard}
          inputMode={field.kind === 'number' ? 'decimal' : 'text'}
          value={raw}
          onChange={(event) => write(event.currentTarget.value)}
        />
      )}
    />
  )
}

/** Keeps what is being typed as it stands, such as a comma at the end, while its value goes to the file. */
const RawText = (props: {
  readonly field: FormField
  readonly text: string
  readonly set: (value: unknown) => void
  readonly box: (raw: string, write: (raw: string) => void) => React.ReactNode
}) => {
  const { field, text, set, box } = props
  const [raw, setRaw] = useState(text)
  const shown = boxText(boxValue(field, raw)) === text ? raw : text
  return box(shown, (next) => {
    setRaw(next)
    set(boxValue(field, next))
  })
}
