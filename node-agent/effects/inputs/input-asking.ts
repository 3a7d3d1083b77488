import type { ItemReader } from '#agent/ports/items.ts'
import type { PlanReader } from '#agent/ports/plan.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ItemIndex, JobId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputAnswer, InputRequest } from '#protocol/wire/input/protocol.ts'
import type { DownloadLists } from './download-lists.ts'
import type { InPlace } from './in-place.ts'

export interface InputExchangeDeps {
  readonly transport: Transport
  readonly plan: PlanReader
  readonly items: ItemReader
  readonly inPlace: InPlace
  readonly downloadLists: DownloadLists
  /** Folders of inputs whose files the job's script opens by itself, by their names. */
  readonly directFolders: (job: JobId) => Readonly<Record<string, string>>
  /** False: this agent never opens items where they lie, not even its own. */
  readonly mayReadInPlace: () => boolean
  /** A job from the ledger. */
  readonly jobById: (job: JobId) => Promise<Job | undefined>
}

/** Items of a job that are to be fetched. */
export interface Wanted {
  readonly job: Job
  readonly first: ItemIndex
  readonly count: number
  readonly signal: AbortSignal
}

/** All answers of the data's peer to one request. */
export const askAll = async (
  { transport }: InputExchangeDeps,
  { job, first, count, signal }: Wanted,
  want: InputRequest['want'],
  footers?: readonly number[],
): Promise<Result<readonly InputAnswer[], MusterError>> => {
  const about = { job: job.id, firstItem: first, items: count, want }
  const request: InputRequest = footers === undefined ? about : { ...about, footers }
  try {
    return ok(
      await Array.fromAsync(transport.request(job.dataPeer, inputProtocol, request, signal)),
    )
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(inputMissing(job.id, thrownToText(thrown)))
  }
}

export const inputMissing = (job: JobId, detail: string): MusterError =>
  musterError(
    'PeerUnreachable',
    `The items of job ${job} cannot be had from its data's peer now.`,
    {
      retryable: true,
      detail,
    },
  )

export const wholeUnreachable = (job: Job, detail: string): MusterError =>
  musterError(
    'PeerUnreachable',
    `The inputs of job ${job.spec.name} cannot be had from its data's peer now.`,
    { retryable: true, detail },
  )
