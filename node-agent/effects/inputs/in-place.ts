import type { Downloads } from '#agent/ports/downloads.ts'
import type { ItemReader } from '#agent/ports/items.ts'
import type { SameUser, Shares } from '#agent/ports/data.ts'
import { limits } from '#protocol/limits.ts'
import type { JobId, PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { keepNewest } from '#protocol/model/keep-newest.ts'
import type { PlannedItem, PlannedTable } from '#protocol/model/plan.ts'
import type { SameUserProof } from '#protocol/wire/input/protocol.ts'

/** What the owner allows about files of other agents' jobs. The same object until something changes. */
export interface InPlaceRules {
  readonly inPlace: boolean
  /** Share name -> folder on this machine. */
  readonly shares: Readonly<Record<string, string>>
}

/**
 * Decides whether items of another agent's job may be opened where they lie: inside a share that the owner
 * mapped, or if the data's peer is proven to be the same user on this machine; or in the copies that the job
 * had downloaded. Nothing else is opened.
 */
export interface InPlace {
  /** False if it need not be asked: not allowed, or this job's items were found out of reach before. */
  readonly mayTry: (job: Job) => boolean
  /** Paths of items, or of a table's files, undefined for each that must be streamed. */
  readonly paths: (
    job: Job,
    items: readonly (PlannedItem | PlannedTable)[],
    proof: SameUserProof | undefined,
  ) => Promise<readonly (string | undefined)[]>
  /**
   * Folder in which a script may open an input's files by itself, by the same rules; undefined: it is out of
   * reach, or the owner does not want that.
   */
  readonly directRoot: (
    job: Job,
    input: number,
    proof: SameUserProof | undefined,
  ) => Promise<string | undefined>
  /** What proves to others of the same user who this agent is; undefined if it does not want to. */
  readonly offer: () => Promise<SameUserProof | undefined>
}

export interface InPlaceDeps {
  readonly items: ItemReader
  readonly shares: Shares
  readonly sameUser: SameUser
  readonly downloads: Pick<Downloads, 'folderOf'>
  readonly rules: () => InPlaceRules
}

export const createInPlace = (deps: InPlaceDeps): InPlace => {
  const { items, rules } = deps
  const proven = new Set<PeerId>()
  // Under which rules a job was found out of reach: others may bring it within.
  const outOfReach = new Map<JobId, InPlaceRules>()
  let offered: Promise<SameUserProof | undefined> | undefined

  const isSameUser = async (peer: PeerId, proof: SameUserProof | undefined): Promise<boolean> => {
    if (proven.has(peer)) return true
    if (proof === undefined || !(await deps.sameUser.check(peer, proof))) return false
    proven.add(peer)
    return true
  }

  /** The folder below which the items lie for this machine. */
  const rootOf = async (
    job: Job,
    input: number,
    proof: SameUserProof | undefined,
  ): Promise<string | undefined> => {
    const { share, root, mode } = inputAt(job, input)
    if (mode === 'download') return deps.downloads.folderOf(job.id, input)
    if (!job.spec.inPlace || !rules().inPlace) return undefined
    const mapped = share === undefined ? undefined : folderOf(rules(), share.name)
    if (share !== undefined && mapped !== undefined) {
      const found = await deps.shares.resolve(mapped, share)
      if (found.ok) return found.value
    }
    return (await isSameUser(job.dataPeer, proof)) ? root : undefined
  }

  return {
    mayTry: (job) =>
      job.spec.inputs.some(({ mode }) => mode === 'download') ||
      (job.spec.inPlace && rules().inPlace && outOfReach.get(job.id) !== rules()),
    paths: async (job, planned, proof) => {
      const under = rules()
      const roots = await Promise.all(job.spec.inputs.map((_, input) => rootOf(job, input, proof)))
      const paths = await Promise.all(
        planned.map(async (item) => {
          const root = roots[item.input]
          if (root === undefined) return undefined
          return 'columns' in item ? items.tablePath(root, item) : items.inPlacePath(root, item)
        }),
      )
      if (paths.every((path) => path === undefined)) outOfReach.set(job.id, under)
      keepNewest(outOfReach, limits.endedJobs)
      return paths
    },
    directRoot: rootOf,
    offer: async () => {
      if (!rules().inPlace) return undefined
      offered ??= deps.sameUser.offer().catch(() => undefined)
      return offered
    },
  }
}

/** The input that a planned file is of. A plan that names another is no plan of this job. */
export const inputAt = ({ spec }: Job, input: number): JobInput => {
  const found = spec.inputs[input]
  if (found === undefined) throw new Error(`job ${spec.name} has no input ${input}`)
  return found
}

/** The owner's folder for a share; names come from others, so only the map's own entries count. */
export const folderOf = ({ shares }: InPlaceRules, name: string): string | undefined =>
  Object.hasOwn(shares, name) ? shares[name] : undefined
