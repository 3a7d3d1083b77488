import { Button, Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ModelView } from '../../../protocol/control/views.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { formatBytes, formatShort } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { isScripted, modelNameOf, newestFirst, textOf, withValue } from './draft.ts'
import { isAbout } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import './new-job.css'

/** Which model: one that is registered, or a file that is registered now. */
export const ModelSection = (
  props: FormPart & {
    readonly models: readonly ModelView[]
    /** Takes a model that was registered just now, before anybody else has heard of it. */
    readonly adopt: (model: ModelView) => void
  },
) => {
  const { fields, change, problem, models, adopt } = props
  const [registering, setRegistering] = useState(models.length === 0)
  const chosen = modelNameOf(fields, models)
  const model = models.find(({ name, version }) => `${name}:${version}` === chosen)
  const written = textOf(fields['model'])
  const choose = (name: string | null): void => change(withValue(fields, ['model'], name ?? ''))
  return (
    <section className="form-part" aria-labelledby="new-model">
      <h2 id="new-model">Model</h2>
      <Script fields={fields} />
      <div className="form-row">
        <Select
          size="sm"
          className="form-grow"
          label="Registered model"
          placeholder={
            models.length === 0
              ? 'None is registered yet'
              : written === ''
                ? 'Choose a model'
                : written
          }
          data={newestFirst(models).map(({ name, version }) => `${name}:${version}`)}
          value={chosen === '' ? null : chosen}
          onChange={choose}
          searchable
          limit={100}
          error={problem !== '' && isAbout(problem, { path: ['model'] }) ? problem : undefined}
        />
        <Button
          size="sm"
          variant="default"
          aria-expanded={registering}
          onClick={() => setRegistering(!registering)}
        >
          Register another
        </Button>
      </div>
      {registering ? (
        <Register
          done={(model) => {
            setRegistering(false)
            adopt(model)
          }}
        />
      ) : null}
      {model === undefined ? null : <ModelFacts model={model} />}
    </section>
  )
}

/** What a loaded file runs in place of a model alone. */
const Script = ({ fields }: Pick<FormPart, 'fields'>) =>
  isScripted(fields) ? (
    <p className="muted small">
      The script <code className="mono">{textOf(fields['entry_script'])}</code> runs the items; a
      model is for it to use.
    </p>
  ) : null

/** Inputs, outputs and size, so that it is seen that it is the right one. */
const ModelFacts = (props: { readonly model: ModelView }) => {
  const { model } = props
  const port = ({ name, type, shape }: ModelView['inputs'][number]): string =>
    `${name} ${type} [${shape.join(', ')}]`
  return (
    <dl className="facts">
      <div className="fact">
        <dt>In</dt>
        <dd className="mono">{model.inputs.map(port).join('; ')}</dd>
      </div>
      <div className="fact">
        <dt>Out</dt>
        <dd className="mono">{model.outputs.map(port).join('; ')}</dd>
      </div>
      <div className="fact">
        <dt>Size</dt>
        <dd>
          {formatBytes(model.bytes)}, {formatShort(model.parameters)} parameters
        </dd>
      </div>
      <div className="fact">
        <dt>Opset</dt>
        <dd>{model.opset}</dd>
      </div>
    </dl>
  )
}

const Register = (props: { readonly done: (model: ModelView) => void }) => {
  const [path, setPath] = useState('')
  const [name, setName] = useState('')
  const register = useCommand('registerModel')
  const suggested =
    path
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.onnx$/i, '') ?? ''
  const wanted = name.trim() === '' ? suggested : name.trim()
  const submit = (): void =>
    register.mutate({ body: { path: path.trim(), name: wanted } }, { onSuccess: props.done })
  return (
    <form
      className="form-inset"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <TextInput
        size="sm"
        className="form-grow"
        label="Model file or folder"
        placeholder="/home/anna/model.onnx"
        value={path}
        onChange={(event) => setPath(event.currentTarget.value)}
      />
      <TextInput
        size="sm"
        label="Name"
        placeholder={suggested}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button
        type="submit"
        size="sm"
        loading={register.isPending}
        disabled={path.trim() === '' || wanted === ''}
      >
        Register
      </Button>
      {register.error === null ? null : (
        <div className="form-whole">
          <Problem sentence={errorText(register.error)} />
        </div>
      )}
    </form>
  )
}
