import { Button, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { ModelView } from '../../../protocol/control/views.ts'
import { useNow, useSnapshot } from '../../agent/context.tsx'
import { ClippedText } from '../../ui/clipped-text.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatAge, formatBytes, formatShort, formatTime } from '../../ui/format.ts'
import { NewJobButton } from '../jobs/new-job-button.tsx'
import { Register } from '../new-job/register-model.tsx'
import './models.css'

/** Registered models, newest version first. */
export const ModelsPage = () => {
  const { models, machines, cluster } = useSnapshot()
  const now = useNow(10_000)
  const nameOf = (peer: string): string =>
    machines.find((machine) => machine.peer === peer)?.name ?? peer.slice(-8)
  const sorted = [...models].sort((a, b) => a.name.localeCompare(b.name) || b.version - a.version)
  return (
    <>
      <header className="page-head">
        <h1>Models</h1>
        {cluster === null ? null : <RegisterModel />}
      </header>
      <div className="panel models-table" tabIndex={0} role="region" aria-label="Models">
        {models.length === 0 ? (
          <Empty sentence="Models registered here can be used by jobs on every machine. An .onnx file is looked into as it is registered: its inputs, outputs and size.">
            {cluster === null ? <NewJobButton /> : null}
          </Empty>
        ) : (
          <ModelTable models={sorted} nameOf={nameOf} now={now} />
        )}
      </div>
    </>
  )
}

const RegisterModel = () => {
  const [open, setOpen] = useState(false)
  const close = (): void => setOpen(false)
  return (
    <>
      <Button size="compact-sm" onClick={() => setOpen(true)}>
        Register a model
      </Button>
      <Modal opened={open} onClose={close} title="Register a model" size="lg" centered>
        {open ? (
          <Register
            done={({ name, version }) => {
              notifications.show({ message: `${name}:${version} is registered.` })
              close()
            }}
          />
        ) : null}
      </Modal>
    </>
  )
}

const ModelTable = (props: {
  readonly models: readonly ModelView[]
  readonly nameOf: (peer: string) => string
  readonly now: number
}) => (
  <table className="list">
    <thead>
      <tr>
        <th scope="col">Model</th>
        <th scope="col">Inputs</th>
        <th scope="col">Outputs</th>
        <th scope="col">Size</th>
        <th scope="col">Registered</th>
      </tr>
    </thead>
    <tbody>
      {props.models.map((model) => (
        <tr key={`${model.name}:${model.version}`}>
          <td>
            <div className="clip model-words" title={`${model.name}:${model.version}`}>
              <span className="model-name">{model.name}</span>
              <span className="muted mono">:{model.version}</span>
            </div>
            {model.description === '' ? null : (
              <ClippedText text={model.description} className="muted small model-words" />
            )}
          </td>
          <td>
            <Ports ports={model.inputs} />
          </td>
          <td>
            <Ports ports={model.outputs} />
          </td>
          <td>
            {formatBytes(model.bytes)}
            <div className="muted small">
              {formatShort(model.parameters)} parameters, opset {model.opset}
            </div>
          </td>
          <td>
            <span title={formatTime(model.registeredAt)}>
              {formatAge(props.now - model.registeredAt)}
            </span>
            <ClippedText
              text={`by ${props.nameOf(model.registeredBy)}`}
              className="muted small model-by"
            />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)

/** `images float32 [batch, 1, 28, 28]`, one line each. */
const Ports = (props: { readonly ports: ModelView['inputs'] }) => (
  <ul>
    {props.ports.map(({ name, type, shape }) => (
      <li key={name} className="mono port clip" title={`${name} ${type} [${shape.join(', ')}]`}>
        {name}{' '}
        <span className="muted">
          {type} [{shape.join(', ')}]
        </span>
      </li>
    ))}
  </ul>
)
