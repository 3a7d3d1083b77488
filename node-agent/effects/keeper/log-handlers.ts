import type { ControlHandlers } from '#agent/ports/control-backend.ts'
import type { Views } from '#agent/ports/views.ts'
import type { logApi } from '#protocol/control/log-api.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobFold } from '#protocol/model/fold.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { FoundLog, JobLogs } from './job-logs.ts'

export interface LogHandlerDeps {
  readonly views: Views
  readonly jobLogs: JobLogs
  readonly nameOf: (peer: PeerId) => string
  readonly find: (key: string) => Promise<Result<JobFold, MusterError>>
  readonly findPeer: (key: string) => Result<PeerId, MusterError>
}

export const logHandlers = (deps: LogHandlerDeps): Pick<ControlHandlers, keyof typeof logApi> => {
  const { views, jobLogs, nameOf, find } = deps
  return {
    jobLogs: async ({ query, signal }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const overview = await jobLogs.overview(fold.value)
      const { folder, logs, missing } = await jobLogs.list(fold.value, signal)
      return ok({
        job: fold.value.job.id,
        overview,
        folder,
        logs: logs.map((log) => toView(log, nameOf)),
        missing: missing.map(nameOf),
      })
    },
    jobLog: async ({ query, signal }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const peer = deps.findPeer(query.peer)
      if (!peer.ok) return peer
      const wish = { peer: peer.value, process: query.process }
      const found = await jobLogs.read(fold.value, wish, signal)
      if (!found.ok) {
        const keeper = nameOf(fold.value.job.keeper)
        const message = `${nameOf(peer.value)} cannot be reached, and its logs of this job were not fetched to this machine: try again when it is back, or ask ${keeper}, which keeps the job.`
        return err(musterError('PeerUnreachable', message, { retryable: true }))
      }
      const logs = found.value.map((log) => ({
        ...toView(log, nameOf),
        text: lastLines(new TextDecoder().decode(log.data), query.tail),
      }))
      return ok({ job: fold.value.job.id, logs })
    },
    attempts: async ({ query }) => {
      const fold = await find(query.job)
      if (!fold.ok) return fold
      const { cursor, limit = 100 } = query
      const after = cursor === undefined ? {} : { after: cursor }
      const page = await views.attempts({ job: fold.value.job.id, limit, ...after })
      const attempts = page.attempts.map((one) => ({ ...one, peerName: nameOf(one.peer) }))
      return ok({ attempts, next: page.next })
    },
  }
}

const toView = (
  { peer, process, startedAt, size }: Omit<FoundLog, 'data'>,
  nameOf: (peer: PeerId) => string,
) => ({ peer, peerName: nameOf(peer), process, startedAt, bytes: size })

const lastLines = (text: string, most: number | undefined): string => {
  if (most === undefined) return text
  const lines = text.split('\n')
  const end = lines.at(-1) === '' ? lines.length - 1 : lines.length
  return lines.slice(Math.max(0, end - most)).join('\n')
}
