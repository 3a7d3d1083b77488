import type { Capabilities, Liveness, Member } from '#protocol/model/member.ts'
import type { Millis, PeerId } from '#protocol/model/ids.ts'
import type { MachineView } from '#protocol/control/views.ts'
import type { Heartbeat } from '#protocol/wire/presence/protocol.ts'

/** What was last heard of each member, beside the signed records. In memory: it is true only now. */
export interface MachineBook {
  readonly describe: (peer: PeerId, capabilities: Capabilities) => void
  readonly heard: (peer: PeerId, heartbeat: Heartbeat, at: Millis) => void
  /** Milliseconds between the sending of the last heartbeat by its sender's clock and its arrival by ours. */
  readonly skewOf: (peer: PeerId) => number | undefined
  readonly capabilitiesOf: (peer: PeerId) => Capabilities | undefined
  readonly view: (member: Member, around: MachineSurroundings) => MachineView
}

export interface MachineSurroundings {
  readonly liveness: Liveness
  readonly isHead: boolean
  readonly addresses: readonly string[]
}

export const createMachineBook = (): MachineBook => {
  const capabilities = new Map<PeerId, Capabilities>()
  const heartbeats = new Map<PeerId, { readonly beat: Heartbeat; readonly at: Millis }>()

  return {
    describe: (peer, value) => capabilities.set(peer, value),
    heard: (peer, beat, at) => heartbeats.set(peer, { beat, at }),
    skewOf: (peer) => {
      const last = heartbeats.get(peer)
      return last === undefined ? undefined : last.at - last.beat.sentAt
    },
    capabilitiesOf: (peer) => capabilities.get(peer),
    view: (member, around) => {
      const facts = capabilities.get(member.peer)
      const last = heartbeats.get(member.peer)
      const isHere = around.liveness === 'self' || around.liveness === 'alive'
      return {
        peer: member.peer,
        name: facts?.name ?? member.name,
        roles: [...member.roles],
        liveness: around.liveness,
        isHead: around.isHead,
        lastHeardAt: last?.at ?? null,
        slots: isHere ? (last?.beat.slots ?? facts?.slots ?? 0) : 0,
        busySlots: isHere ? (last?.beat.busySlots ?? 0) : 0,
        load: isHere ? (last?.beat.load ?? 0) : 0,
        reason: reasonOf(around.liveness, last?.beat.reason ?? ''),
        cores: facts?.cores ?? 0,
        memoryBytes: facts?.memoryBytes ?? 0,
        platform: facts?.platform ?? '',
        agentVersion: facts?.agentVersion ?? '',
        devices: [...(facts?.devices ?? [])],
        tags: [...(facts?.tags ?? [])],
        addresses: [...around.addresses],
      }
    },
  }
}

const reasonOf = (liveness: Liveness, reason: string): string => {
  if (liveness === 'lost') return 'It does not answer; it may be switched off.'
  if (liveness === 'suspect') return 'It has been silent for some seconds.'
  if (liveness === 'never-seen') return 'It was not seen since this agent started.'
  return reason
}
