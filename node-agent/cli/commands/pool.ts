import type { PoolView } from '#protocol/control/sharing-api.ts'
import { formatSize } from '#protocol/spec/units.ts'
import type { Cli } from '../cli.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ExitCode } from '../exit-codes.ts'
import { safe } from '../screen.ts'
import { printFields, printTable } from '../table.ts'
import { dateText } from '../text.ts'

export const poolCreate = async (
  cli: Cli,
  name: string,
  options: {
    readonly min?: number
    readonly max?: number
    readonly machine?: readonly string[]
    readonly tag?: readonly string[]
    readonly gpu?: boolean
    readonly memory?: number
    readonly description?: string
    readonly overwrite?: boolean
  },
): Promise<ExitCode> => {
  const { min, max, machine = [], tag = [], gpu = false, memory = 0 } = options
  const pool = await cli.call('createPool', {
    body: {
      name,
      ...(min === undefined ? {} : { minPeers: min }),
      ...(max === undefined ? {} : { maxPeers: max }),
      ...(options.description === undefined ? {} : { description: options.description }),
      filter: { names: [...machine], tags: [...tag], gpu, memoryBytes: memory },
      overwrite: options.overwrite === true,
    },
  })
  if (cli.json) await cli.printJson(pool)
  else await cli.screen.line(safe(`The pool ${name} has ${countsOf(pool)}.`))
  return exitCodes.done
}

export const poolList = async (cli: Cli): Promise<ExitCode> => {
  const answer = await cli.call('pools')
  if (cli.json) {
    await cli.printJson(answer)
    return exitCodes.done
  }
  if (answer.pools.length === 0) {
    await cli.screen.line(
      'No pools yet; jobs use all machines. Make one with `muster pool create`.',
    )
    return exitCodes.done
  }
  await printTable(
    cli.screen,
    [
      { title: 'POOL', text: (pool) => pool.name },
      { title: 'STATE', text: (pool) => pool.allocationState },
      { title: 'CAN WORK', text: (pool) => String(pool.currentPeers), right: true },
      { title: 'TARGET', text: (pool) => String(pool.targetPeers), right: true },
      { title: 'MIN', text: (pool) => String(pool.minPeers), right: true },
      { title: 'MAX', text: (pool) => mostOf(pool), right: true },
      { title: 'MACHINES WITH', text: filterText },
      { title: 'DESCRIPTION', text: (pool) => pool.description },
    ],
    answer.pools,
  )
  return exitCodes.done
}

export const poolShow = async (cli: Cli, name: string): Promise<ExitCode> => {
  const pool = await cli.call('pool', { query: { pool: name } })
  if (cli.json) {
    await cli.printJson(pool)
    return exitCodes.done
  }
  const { idle, running, preparing, unusable, away } = pool.peerStates
  await printFields(cli.screen, [
    ['Pool', pool.name],
    ['Description', pool.description],
    ['State', pool.allocationState],
    ['Machines', countsOf(pool)],
    ['Minimum', String(pool.minPeers)],
    ['Maximum', mostOf(pool)],
    ['Machines with', filterText(pool)],
    ['Idle', String(idle)],
    ['Running', String(running)],
    ['Preparing', String(preparing)],
    ['Unusable', String(unusable)],
    ['Away', String(away)],
    ['Created', dateText(pool.createdAt)],
  ])
  for (const error of pool.errors) await cli.screen.line(safe(error))
  return exitCodes.done
}

export const poolRemove = async (cli: Cli, name: string): Promise<ExitCode> => {
  const answer = await cli.call('removePool', { query: { pool: name } })
  if (cli.json) await cli.printJson(answer)
  else await cli.screen.line(safe(`The pool ${name} is removed.`))
  return exitCodes.done
}

const countsOf = ({ currentPeers, targetPeers }: PoolView): string =>
  `${currentPeers} of ${targetPeers} machines that can work now`

const mostOf = ({ maxPeers }: PoolView): string => (maxPeers === null ? 'all' : String(maxPeers))

const filterText = ({ filter }: PoolView): string => {
  const parts = [
    ...(filter.names.length === 0 ? [] : [`name ${filter.names.join(' or ')}`]),
    ...filter.tags.map((tag) => `tag ${tag}`),
    ...(filter.gpu ? ['a GPU'] : []),
    ...(filter.memoryBytes === 0 ? [] : [`${formatSize(filter.memoryBytes)} of memory`]),
  ]
  return parts.length === 0 ? 'anything' : parts.join(', ')
}
