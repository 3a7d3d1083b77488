import type { ModelView } from '../../../protocol/control/views.ts'
import { useNow, useSnapshot } from '../../agent/context.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatAge, formatBytes, formatShort, formatTime } from '../../ui/format.ts'
import './models.css'

/** Registered models, newest version first. */
export const ModelsPage = () => {
  const { models, machines } = useSnapshot()
  const now = useNow(10_000)
  const nameOf = (peer: string): string =>
    machines.find((machine) => machine.peer === peer)?.name ?? peer.slice(-8)
  const sorted = [...models].sort((a, b) => a.name.localeCompare(b.name) || b.version - a.version)
  return (
    <>
      <header className="page-head">
        <h1>Models</h1>
      </header>
      <div className="panel models-table" tabIndex={0} role="region" aria-label="Models">
        {models.length === 0 ? (
          <Empty sentence="Models registered here can be used by jobs on every machine.">
            <CopyLine text="muster model register ./model.onnx --name NAME" what="command" />
          </Empty>
        ) : (
          <ModelTable models={sorted} nameOf={nameOf} now={now} />
        )}
      </div>
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
        <th scope="col" className="number">
          Parameters
        </th>
        <th scope="col" className="number">
          Size
        </th>
        <th scope="col" className="number">
          Opset
        </th>
        <th scope="col">Registered</th>
      </tr>
    </thead>
    <tbody>
      {props.models.map((model) => (
        <tr key={`${model.name}:${model.version}`}>
          <td>
            <span className="model-name">{model.name}</span>
            <span className="muted mono">:{model.version}</span>
            {model.description === '' ? null : (
              <div className="muted small clip model-description">{model.description}</div>
            )}
          </td>
          <td>
            <Ports ports={model.inputs} />
          </td>
          <td>
            <Ports ports={model.outputs} />
          </td>
          <td className="number">{formatShort(model.parameters)}</td>
          <td className="number">{formatBytes(model.bytes)}</td>
          <td className="number">{model.opset}</td>
          <td>
            <span title={formatTime(model.registeredAt)}>
              {formatAge(props.now - model.registeredAt)}
            </span>
            <span className="muted"> by {props.nameOf(model.registeredBy)}</span>
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
      <li key={name} className="mono port">
        {name}{' '}
        <span className="muted">
          {type} [{shape.join(', ')}]
        </span>
      </li>
    ))}
  </ul>
)
