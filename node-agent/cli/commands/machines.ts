import type { MachineView } from '#protocol/control/views.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { printTable } from '../table.ts'
import type { Column } from '../table.ts'
import { dateText, percentText } from '../text.ts'

/** `muster peers`: what the machines do now. */
export const peers = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('peers')
  if (cli.json) await cli.printJson(answer)
  else await printMachines(cli, answer.peers, [...whoColumns, ...workColumns])
  return exitCodes.done
}

/** `muster cluster members`: who they are. */
export const clusterMembers = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('members')
  if (cli.json) await cli.printJson(answer)
  else await printMachines(cli, answer.members, [...whoColumns, ...memberColumns])
  return exitCodes.done
}

const printMachines = (
  cli: Cli,
  machines: readonly MachineView[],
  columns: readonly Column<MachineView>[],
): Promise<void> =>
  machines.length === 0
    ? cli.screen.line(
        'No machines yet; create a cluster with `muster cluster create NAME`, or join one with `muster cluster join CODE`.',
      )
    : printTable(cli.screen, columns, machines)

const whoColumns: readonly Column<MachineView>[] = [
  { title: 'NAME', text: ({ name, isHead }) => (isHead ? `${name} (head)` : name) },
  { title: 'STATE', text: ({ liveness }) => (liveness === 'self' ? 'this machine' : liveness) },
]

const workColumns: readonly Column<MachineView>[] = [
  { title: 'SLOTS', text: ({ slots, busySlots }) => `${busySlots}/${slots} busy`, right: true },
  { title: 'LOAD', text: ({ load }) => percentText(load), right: true },
  { title: 'CORES', text: ({ cores }) => String(cores), right: true },
  { title: 'DEVICES', text: ({ devices }) => devices.join(', ') },
  { title: 'WHY NOT MORE', text: ({ reason }) => reason },
]

const memberColumns: readonly Column<MachineView>[] = [
  { title: 'ROLES', text: ({ roles }) => roles.join(', ') },
  {
    title: 'LAST HEARD',
    text: ({ lastHeardAt, liveness }) => (liveness === 'self' ? '' : dateText(lastHeardAt)),
  },
  { title: 'VERSION', text: ({ agentVersion }) => agentVersion },
  { title: 'PEER', text: ({ peer }) => peer },
]
