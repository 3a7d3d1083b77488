import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import type { AnswerOf, QueryOf } from '../../protocol/control/api.ts'
import { useAgent } from './context.tsx'

/** More lines would not be read in a page; the file of the run has them all. */
export const logLinesAsked = 2_000
/** Machines are asked one by one for which logs they have. */
const listMs = 5_000
const followMs = 2_000

/** The overview of a job, and which logs there are. */
export const useJobLogs = (job: string, open: boolean): UseQueryResult<AnswerOf<'jobLogs'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['logs', job, open],
    queryFn: ({ signal }) => client.call('jobLogs', { query: { job }, signal }),
    refetchInterval: open ? listMs : false,
    placeholderData: keepPreviousData,
  })
}

/** The newest lines of one worker process. */
export const useJobLog = (
  of: Required<Pick<QueryOf<'jobLog'>, 'job' | 'peer' | 'process'>>,
  open: boolean,
): UseQueryResult<AnswerOf<'jobLog'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['log', of, open],
    queryFn: ({ signal }) =>
      client.call('jobLog', { query: { ...of, tail: logLinesAsked }, signal }),
    refetchInterval: open ? followMs : false,
    placeholderData: keepPreviousData,
  })
}
