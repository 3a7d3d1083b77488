import type { HostProbe, KnockOutcome } from '#agent/ports/host-probe.ts'
import type { AgentView, MachineView } from '#protocol/control/views.ts'
import type { DoctorCheckView, DoctorView } from '#protocol/control/care-views.ts'
import { limits } from '#protocol/limits.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { check, checkMachine, worst } from './doctor-machine.ts'
import type { Reach, ReachBook } from '../inputs/reach-book.ts'

export interface DoctorDeps {
  readonly probe: HostProbe
  readonly home: string
  readonly agentView: () => AgentView
  readonly inCluster: () => boolean
  readonly machines: () => readonly MachineView[]
  readonly reach: ReachBook
  /** Milliseconds by which a member's clock runs behind ours (above 0) or before it. */
  readonly skewOf: (peer: PeerId) => number | undefined
  readonly mdns: () => boolean
  readonly devices: () => readonly string[]
  readonly storeBytes: () => Promise<number>
  /** Jobs that ran out of memory here, a sentence each. */
  readonly memory: () => readonly string[]
}

/** Looks at everything that commonly goes wrong: this machine, its network, and the way to each member. */
export const examine = async (deps: DoctorDeps): Promise<DoctorView> => {
  const { probe, home, agentView } = deps
  const { webAddress, version, pid } = agentView()
  const members = deps.machines().filter(({ liveness }) => liveness !== 'self')
  const checks = [
    check('agent', 'Agent', ['ok', `Version ${version} runs as process ${pid}.`]),
    ...(await checkMachine(probe, home)),
    check('control', 'Window port', ['ok', `Window and control API are at ${webAddress}.`]),
    check('store', 'Store', [
      'ok',
      `The database has ${((await deps.storeBytes()) / 1e6).toFixed(1)} MB; \`muster store check\` reads it through.`,
    ]),
    check('devices', 'Devices', ['ok', `Models can run on: ${deps.devices().join(', ')}.`]),
    ...deps.memory().map((sentence) => check('memory', 'Memory', ['warn', sentence, lessMemory])),
    checkListening(deps),
    ...(await checkPort(deps)),
    checkDiscovery(deps, members),
    ...(await Promise.all(members.map((member) => checkMember(deps, member)))),
  ]
  return { level: worst(checks), running: true, checks }
}

const lessMemory =
  'Use smaller mini-batches or pictures, or give this machine fewer slots: `muster settings set slots N`.'

const isLoopback = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address)

const checkListening = ({ inCluster, agentView }: DoctorDeps): DoctorCheckView => {
  if (!inCluster())
    return check('listening', 'Network', [
      'warn',
      'This machine is in no cluster yet, so that nothing listens for others.',
      'Create one with `muster cluster create NAME`, or join one with `muster cluster join CODE`.',
    ])
  const { addresses } = agentView()
  if (addresses.some((address) => !isLoopback(address)))
    return check('listening', 'Network', [
      'ok',
      `Other agents reach it at ${addresses.join(', ')}.`,
    ])
  return check('listening', 'Network', [
    'warn',
    `It listens only at ${addresses.join(', ')}, where no other machine can reach it.`,
    'Start the agent without --listen, or with an address of the local network, and see that a network is connected.',
  ])
}

/** Its own port from outside the loopback: a firewall of this machine often refuses that too. */
const checkPort = async ({ agentView, probe }: DoctorDeps): Promise<readonly DoctorCheckView[]> => {
  const places = agentView().addresses.flatMap(placeOf)
  if (places.length === 0) return []
  const tried = await knockAll(probe, places)
  const silent = tried.filter(({ outcome }) => outcome !== knockWords.answers)
  const found =
    silent.length === 0
      ? check('port', 'Port', [
          'ok',
          `The port answers at ${tried.length} of ${tried.length} addresses from here.`,
        ])
      : check('port', 'Port', [
          'fail',
          `The port does not answer at ${silent.map(({ address }) => address).join(', ')}.`,
          'Allow Muster in the firewall of this machine.',
        ])
  return [{ ...found, tried }]
}

const checkDiscovery = (
  { mdns, inCluster, reach }: DoctorDeps,
  members: readonly MachineView[],
): DoctorCheckView => {
  if (!mdns())
    return check('mdns', 'mDNS', [
      'ok',
      'Looking for agents by multicast is off; addresses come from members and by hand.',
    ])
  const seen = reach.discoveredPeers()
  if (seen > 0)
    return check('mdns', 'mDNS', [
      'ok',
      `Multicast found ${seen} ${seen === 1 ? 'agent' : 'agents'}.`,
    ])
  if (!inCluster() || members.length === 0)
    return check('mdns', 'mDNS', ['ok', 'Multicast is on; there is nobody to be found yet.'])
  return check('mdns', 'mDNS', [
    'warn',
    'Multicast is on, but found nobody.',
    'The network may block it: if machines do not find each other, use `muster cluster add-address`.',
  ])
}

/** A member that is away is no fault of this machine; one that refuses us, or that we cannot reach, is told. */
const checkMember = async (deps: DoctorDeps, member: MachineView): Promise<DoctorCheckView> => {
  const peer = member.peer as PeerId
  if (member.liveness === 'alive') return checkConnected(member.name, deps.skewOf(peer))
  const tried = await knockAll(deps.probe, member.addresses.flatMap(placeOf))
  const reach = deps.reach.of(peer)
  const [message, advice] = wordsFor(member.name, tried, reach)
  const level = reach.refusal === undefined ? 'warn' : 'fail'
  return { ...check('member', member.name, [level, message, advice]), tried }
}

const checkConnected = (name: string, skew: number | undefined): DoctorCheckView => {
  const off = Math.abs(skew ?? 0)
  if (off < limits.clockSkewMs)
    return check('member', name, [
      'ok',
      `It is connected${skew === undefined ? '' : `; its clock differs by ${off < 1_000 ? `${off.toFixed(0)} ms` : `${(off / 1_000).toFixed(1)} s`}`}.`,
    ])
  return check('member', name, [
    'warn',
    `It is connected, but its clock is ${(off / 1_000).toFixed(0)} s ${(skew ?? 0) > 0 ? 'behind' : 'ahead of'} the one here.`,
    'Let both machines set their clocks by the network; times of jobs are wrong until then.',
  ])
}

const wordsFor = (
  name: string,
  tried: readonly Tried[],
  { refusal, dial }: Reach,
): readonly [string, string] => {
  const any = (outcome: KnockOutcome): Tried | undefined =>
    tried.find((one) => one.outcome === knockWords[outcome])
  const answering = any('answers')
  if (answering !== undefined) {
    const error = refusal?.error ?? dial?.error
    return [
      `Something answers at ${answering.address}, but no connection to ${name} stands${error === undefined ? '' : `: ${error.message}`}`,
      'Look whether another program has that port now, and whether both machines run the same version of Muster in the same cluster.',
    ]
  }
  if (tried.length === 0)
    return [
      `No address of ${name} is known.`,
      'Give one by hand with `muster cluster add-address`, as `muster doctor` shows it there.',
    ]
  const refused = any('refused')
  if (refused !== undefined)
    return [
      `The machine of ${name} is on, but nothing listens at ${refused.address}.`,
      'Start Muster there; if it runs, its port has changed: give the new address with `muster cluster add-address`.',
    ]
  if (any('silent') !== undefined)
    return [
      `${name} does not answer at any of its addresses.`,
      'Switch it on and wake it up; if it runs, allow Muster in its firewall.',
    ]
  return [
    `The network of ${name} cannot be reached from here.`,
    'Connect both machines to the same network; guest networks and some VPNs keep machines apart.',
  ]
}

// --- details -----------------------------------------------------------------------------------

interface Place {
  readonly address: string
  readonly host: string
  readonly port: number
}

type Tried = DoctorCheckView['tried'][number]

/** Host and port of a multiaddr; nothing for one that is no TCP address. */
const placeOf = (address: string): readonly Place[] => {
  const [, host, port] =
    /^\/(?:ip4|ip6|dns4|dns6|dns)\/([^/]+)\/tcp\/(\d{1,5})(?:\/|$)/.exec(address) ?? []
  return host === undefined || port === undefined ? [] : [{ address, host, port: Number(port) }]
}

const knockWords: Readonly<Record<KnockOutcome, string>> = {
  answers: 'answers',
  refused: 'nothing listens there',
  silent: 'no answer',
  unreachable: 'no way there',
}

const knockAll = (probe: HostProbe, places: readonly Place[]): Promise<Tried[]> =>
  Promise.all(
    places.map(async ({ address, host, port }) => ({
      address: address.replace(/\/p2p\/.*$/, ''),
      outcome: knockWords[await probe.knock(host, port)],
    })),
  )
