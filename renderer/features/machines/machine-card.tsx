import { ActionIcon, Button, Menu, Modal } from '@mantine/core'
import { IconCrown, IconDots, IconTrash } from '@tabler/icons-react'
import { useState } from 'react'
import type { MachineView } from '../../../protocol/control/views.ts'
import { useAgent, useSnapshot } from '../../agent/context.tsx'
import { loadWindowSeconds } from '../../agent/load-history.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { formatMemory, formatPercent, formatPlural } from '../../ui/format.ts'
import { LoadLine } from '../../ui/load-line.tsx'
import { Problem } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { isPresent, machineState } from './machine-state.ts'
import { SlotDots } from './slot-dots.tsx'
import './machines.css'

/** One machine: name, one word of state with its reason, slots, load of the last minutes. */
export const MachineCard = (props: { readonly machine: MachineView; readonly now: number }) => {
  const { machine, now } = props
  const { word, tone, reason } = machineState(machine, now)
  return (
    <article className="panel machine-card" aria-label={machine.name}>
      <header>
        <h2 className="clip" title={machine.name}>
          {machine.name}
        </h2>
        {machine.isHead ? (
          <span className="tag">
            <IconCrown size="0.75rem" aria-hidden="true" /> head
          </span>
        ) : null}
        {machine.liveness === 'self' ? <span className="tag plain">this machine</span> : null}
        <MachineMenu machine={machine} />
      </header>
      <div className="machine-state">
        <StateMark tone={tone} word={word} />
        <span className="muted clip" title={reason}>
          {reason}
        </span>
        <span className="muted small machine-roles">{machine.roles.join(', ')}</span>
      </div>
      <Load machine={machine} now={now} />
      <footer>
        <SlotDots busy={machine.busySlots} slots={machine.slots} />
        <span className="muted small clip">{facts(machine)}</span>
      </footer>
    </article>
  )
}

const Load = (props: { readonly machine: MachineView; readonly now: number }) => {
  const { machine, now } = props
  const { loads } = useAgent()
  const { seconds, load } = loads.series(machine.peer, now)
  const present = isPresent(machine)
  return (
    <div className="machine-load">
      <LoadLine
        seconds={seconds}
        load={load}
        now={Math.floor(now / 1_000)}
        windowSeconds={loadWindowSeconds}
      />
      <span className="machine-load-figure" title="Load of all cores; the line shows five minutes">
        {present ? formatPercent(machine.load) : '–'}
      </span>
    </div>
  )
}

const facts = (machine: MachineView): string =>
  [
    machine.cores > 0 ? formatPlural(machine.cores, 'core') : '',
    machine.memoryBytes > 0 ? formatMemory(machine.memoryBytes) : '',
    machine.platform,
  ]
    .filter((fact) => fact !== '')
    .join(' · ')

const MachineMenu = (props: { readonly machine: MachineView }) => {
  const [asking, setAsking] = useState(false)
  const { cluster } = useSnapshot()
  const { machine } = props
  if (machine.liveness === 'self' || cluster?.roles.includes('admin') !== true) return null
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon
            className="machine-menu"
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`More about ${machine.name}`}
          >
            <IconDots size="1rem" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconTrash size="1rem" />} onClick={() => setAsking(true)}>
            Remove from the cluster
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Remove ${machine.name}?`}
        centered
      >
        {asking ? <RemoveSteps machine={machine} close={() => setAsking(false)} /> : null}
      </Modal>
    </>
  )
}

const RemoveSteps = (props: { readonly machine: MachineView; readonly close: () => void }) => {
  const { machine, close } = props
  const remove = useCommand('removeMember')
  return (
    <div className="start-form">
      <p>
        It is cut off at once and needs a new invitation to come back. Rows it already returned
        stay.
      </p>
      {remove.error === null ? null : <Problem sentence={errorText(remove.error)} />}
      <div className="button-row">
        <Button variant="default" onClick={close}>
          Keep it
        </Button>
        <Button
          className="danger"
          loading={remove.isPending}
          onClick={() => remove.mutate({ query: { peer: machine.peer } }, { onSuccess: close })}
        >
          Remove {machine.name}
        </Button>
      </div>
    </div>
  )
}
