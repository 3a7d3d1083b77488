import type { JobView } from '../../../protocol/control/job-views.ts'
import type { StateTone } from '../../theme/colours.ts'

/** How each of a job's states is shown: one word and one tone. */
export const jobStates: Readonly<
  Record<JobView['state'], { readonly word: string; readonly tone: StateTone }>
> = {
  NotStarted: { word: 'Not started', tone: 'waiting' },
  Preparing: { word: 'Preparing', tone: 'waiting' },
  Queued: { word: 'Queued', tone: 'waiting' },
  Running: { word: 'Running', tone: 'running' },
  Paused: { word: 'Paused', tone: 'paused' },
  Finalizing: { word: 'Finalizing', tone: 'running' },
  CancelRequested: { word: 'Canceling', tone: 'canceled' },
  Canceled: { word: 'Canceled', tone: 'canceled' },
  Completed: { word: 'Completed', tone: 'committed' },
  Failed: { word: 'Failed', tone: 'failed' },
}

/** Items done, failed or not, over items planned, 0 to 1; 0 while nothing is planned. */
export const progressShare = (job: JobView): number =>
  job.items === 0 ? 0 : Math.min(1, (job.itemsSucceeded + job.itemsFailed) / job.items)

/** Also what lets it go on again. */
export const canPause = (job: JobView): boolean =>
  job.endedAt === null && !['CancelRequested', 'Finalizing'].includes(job.state)

export const canCancel = (job: JobView): boolean =>
  job.endedAt === null && job.state !== 'CancelRequested'

/** Whether its failed items can be tried again by a job of their own. */
export const canRetry = (job: Pick<JobView, 'endedAt' | 'itemsFailed'>): boolean =>
  job.endedAt !== null && job.itemsFailed > 0

export const canForget = (job: JobView): boolean => job.endedAt !== null && job.forgotten === null
