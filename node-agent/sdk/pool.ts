import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolView } from '#protocol/control/sharing-api.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { checkInstance, checkOptions } from './check-options.ts'
import type { OptionTable } from './check-options.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

export interface CreatePool {
  readonly name: string
  readonly description?: string
  /** A job waits while fewer machines of the pool are there. Default: 0. */
  readonly minPeers?: number
  readonly maxPeers?: number
  /** Which machines: all conditions must hold. Left out: all. */
  readonly filter?: {
    readonly names?: readonly string[]
    readonly tags?: readonly string[]
    readonly gpu?: boolean
    readonly memoryBytes?: number
  }
  /** Change the pool of that name. Without it a taken name is an error. */
  readonly overwrite?: boolean
}

export interface WaitForPool {
  readonly showOutput?: boolean
  /** Machines that must be there. Default: the pool's `minPeers`. */
  readonly minNodeCount?: number
  /** Default: 10. */
  readonly timeoutInMinutes?: number
}

const createTable: OptionTable<CreatePool> = {
  name: 'needed',
  description: 'may',
  minPeers: 'may',
  maxPeers: 'may',
  filter: 'may',
  overwrite: 'may',
}
const filterTable = { names: 'may', tags: 'may', gpu: 'may', memoryBytes: 'may' } as const

const pollMs = 500

/** A named subset of the machines: what Azure calls a compute target. */
export class Pool {
  readonly workspace: Workspace
  readonly name: string

  constructor(workspace: Workspace, name: string) {
    this.workspace = workspace
    this.name = name
  }

  static async create(workspace: Workspace, wish: CreatePool): Promise<Pool> {
    checkInstance("A Pool's workspace", workspace, Workspace, mustBeWorkspace)
    checkOptions('Pool.create', wish, createTable)
    checkOptions('The filter of Pool.create', wish.filter ?? {}, filterTable)
    const { filter, ...rest } = wish
    const { names, tags, ...other } = filter ?? {}
    await workspace.connection.call('createPool', {
      body: {
        ...rest,
        ...(filter === undefined
          ? {}
          : {
              filter: {
                ...other,
                ...(names === undefined ? {} : { names: [...names] }),
                ...(tags === undefined ? {} : { tags: [...tags] }),
              },
            }),
      },
    })
    return new Pool(workspace, wish.name)
  }

  static async list(workspace: Workspace): Promise<readonly Pool[]> {
    const { pools } = await workspace.connection.call('pools')
    return pools.map(({ name }) => new Pool(workspace, name))
  }

  /** How many machines it has and in which states, as of now. */
  getStatus(): Promise<PoolView> {
    return this.workspace.connection.call('pool', { query: { pool: this.name } })
  }

  /** Waits until enough machines are there. @throws MusterFailure `TimedOut` naming how many are missing */
  async waitForCompletion(options: WaitForPool = {}): Promise<PoolView> {
    const { showOutput = false, minNodeCount, timeoutInMinutes = 10 } = options
    const end = performance.now() + timeoutInMinutes * 60_000
    let said = ''
    for (;;) {
      const status = await this.getStatus()
      const wanted = minNodeCount ?? status.minPeers
      const words = `Pool ${this.name}: ${status.currentPeers} of ${wanted} machines`
      if (showOutput && words !== said) console.log(words)
      said = words
      if (status.currentPeers >= wanted) return status
      if (performance.now() >= end)
        throw new MusterFailure(
          musterError(
            'TimedOut',
            `The pool ${this.name} has ${status.currentPeers} of the ${wanted} machines that were waited for; start or pair more of them.`,
            { retryable: true },
          ),
        )
      await sleep(pollMs)
    }
  }

  async remove(): Promise<void> {
    await this.workspace.connection.call('removePool', { query: { pool: this.name } })
  }
}
