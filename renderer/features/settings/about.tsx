import { useNow, useSnapshot } from '../../agent/context.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { formatAge, formatTime } from '../../ui/format.ts'
import './settings.css'

/** Versions, folders and names of this agent. */
export const About = () => {
  const { agent, cluster } = useSnapshot()
  const now = useNow(10_000)
  return (
    <dl className="panel configuration about">
      <Line word="Muster">{agent.version}</Line>
      <Line word="Node">{agent.node}</Line>
      <Line word="Started">
        <span title={formatTime(agent.startedAt)}>
          {formatAge(now - agent.startedAt)}, process {agent.pid}
        </span>
      </Line>
      <Line word="Home">
        <CopyLine text={agent.home} what="home" bare />
      </Line>
      <Line word="PeerId">
        <CopyLine text={agent.peer} what="PeerId" bare />
      </Line>
      {cluster === null ? null : (
        <>
          <Line word="Cluster">{cluster.name}</Line>
          <Line word="Roles">{cluster.roles.join(', ')}</Line>
        </>
      )}
      <Line word="Addresses">
        {agent.addresses.length === 0 ? (
          <span className="muted">none before it belongs to a cluster</span>
        ) : (
          <ul>
            {agent.addresses.map((address) => (
              <li key={address}>
                <CopyLine text={address} what="address" bare />
              </li>
            ))}
          </ul>
        )}
      </Line>
      <Line word="Window">
        <CopyLine text={agent.webAddress} what="address of the window" bare />
      </Line>
    </dl>
  )
}

const Line = (props: { readonly word: string; readonly children: React.ReactNode }) => (
  <div>
    <dt>{props.word}</dt>
    <dd>{props.children}</dd>
  </div>
)
