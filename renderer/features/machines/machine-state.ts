import type { MachineView } from '../../../protocol/control/views.ts'
import type { StateTone } from '../../theme/colours.ts'
import { formatAge, formatPlural } from '../../ui/format.ts'

export interface MachineState {
  readonly word: string
  readonly tone: StateTone
  /** Why, in a few words; empty if the word says it all. */
  readonly reason: string
}

/** One word of state with its reason, as the person would say it. */
export const machineState = (machine: MachineView, now: number): MachineState => {
  const heard =
    machine.lastHeardAt === null
      ? 'never heard of'
      : `heard ${formatAge(now - machine.lastHeardAt)}`
  switch (machine.liveness) {
    case 'never-seen':
      return { word: 'Expected', tone: 'waiting', reason: 'not seen from here yet' }
    case 'lost':
      return { word: 'Away', tone: 'canceled', reason: heard }
    case 'suspect':
      return { word: 'Silent', tone: 'retried', reason: heard }
    case 'self':
    case 'alive':
      return workState(machine)
  }
}

const workState = (machine: MachineView): MachineState => {
  const { busySlots, slots, reason, roles } = machine
  if (busySlots > 0) return { word: 'Working', tone: 'running', reason }
  if (!roles.includes('work'))
    return { word: 'Present', tone: 'committed', reason: 'takes no work' }
  if (slots === 0) return { word: 'Resting', tone: 'paused', reason }
  return {
    word: 'Ready',
    tone: 'committed',
    reason: reason === '' ? `${formatPlural(slots, 'slot')} free` : reason,
  }
}

/** Machines that count as present. */
export const isPresent = (machine: MachineView): boolean =>
  machine.liveness === 'self' || machine.liveness === 'alive'
