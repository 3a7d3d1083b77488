import { Button, SegmentedControl, Select } from '@mantine/core'
import { useState } from 'react'
import type { ModelView } from '../../../protocol/control/views.ts'
import { formatBytes, formatShort } from '../../ui/format.ts'
import { isScripted, modelNameOf, newestFirst, textOf, withValue } from './draft.ts'
import { isAbout } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import { withoutScript, withScript } from './script.ts'
import { Register } from './register-model.tsx'
import { ScriptFields } from './script-section.tsx'
import './new-job.css'

interface ModelPart extends FormPart {
  readonly models: readonly ModelView[]
  /** Takes a model that was registered just now, before anybody else has heard of it. */
  readonly adopt: (model: ModelView) => void
}

/** What runs the items: a model as the file declares it, or a script of one's own. */
export const ModelSection = (props: ModelPart) => {
  const { fields, change } = props
  const isScript = isScripted(fields)
  return (
    <section className="form-part" aria-labelledby="new-model">
      <div className="form-head">
        <h2 id="new-model">{isScript ? 'Script' : 'Model'}</h2>
        <SegmentedControl
          size="xs"
          aria-label="What runs the items"
          value={isScript ? 'script' : 'model'}
          onChange={(kind) =>
            change(kind === 'script' ? withScript(fields) : withoutScript(fields))
          }
          data={[
            { value: 'model', label: 'A model' },
            { value: 'script', label: 'A script' },
          ]}
        />
      </div>
      {isScript ? <ScriptFields {...props} /> : <ModelChoice {...props} />}
    </section>
  )
}

/** Which model: one that is registered, or a file that is registered now. */
const ModelChoice = (props: ModelPart) => {
  const { fields, change, problem, models, adopt } = props
  const [registering, setRegistering] = useState(models.length === 0)
  const chosen = modelNameOf(fields, models)
  const model = models.find(({ name, version }) => `${name}:${version}` === chosen)
  const written = textOf(fields['model'])
  const none = models.length === 0 ? 'None is registered yet' : 'Choose a model'
  return (
    <>
      <div className="form-row">
        <Select
          size="sm"
          className="form-grow"
          label="Registered model"
          placeholder={written === '' ? none : written}
          data={newestFirst(models).map(({ name, version }) => `${name}:${version}`)}
          value={chosen === '' ? null : chosen}
          onChange={(name) => change(withValue(fields, ['model'], name ?? ''))}
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
    </>
  )
}

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
