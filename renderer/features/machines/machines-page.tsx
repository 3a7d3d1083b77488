import { useNow, useSnapshot } from '../../agent/context.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Empty } from '../../ui/empty.tsx'
import { formatPlural } from '../../ui/format.ts'
import { ClusterStart } from './cluster-start.tsx'
import { Invite } from './invite.tsx'
import { MachineCard } from './machine-card.tsx'
import { isPresent } from './machine-state.ts'
import './machines.css'

/** All machines of the cluster, and the way in for new ones. */
export const MachinesPage = () => {
  const { machines, cluster } = useSnapshot()
  const now = useNow()
  const sorted = [...machines].sort(
    (a, b) => Number(isPresent(b)) - Number(isPresent(a)) || a.name.localeCompare(b.name),
  )
  const present = machines.filter(isPresent).length
  return (
    <>
      <header className="page-head">
        <h1>Machines</h1>
        {cluster === null ? null : (
          <span className="sub">
            {present} of {formatPlural(machines.length, 'machine')} here
          </span>
        )}
        {cluster?.roles.includes('admin') === true ? <Invite /> : null}
      </header>
      {cluster === null ? (
        <ClusterStart />
      ) : (
        <div className="machine-grid">
          {sorted.map((machine) => (
            <MachineCard key={machine.peer} machine={machine} now={now} />
          ))}
          {machines.length <= 1 ? (
            <div className="panel machine-card more">
              <Empty sentence="A cluster starts to pay with the second machine: invite one.">
                <CopyLine text="muster cluster invite" what="command" />
              </Empty>
            </div>
          ) : null}
        </div>
      )}
    </>
  )
}
