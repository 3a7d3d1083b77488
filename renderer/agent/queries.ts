import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import type { UseMutationResult, UseQueryResult } from '@tanstack/react-query'
import { picturePath } from '../../protocol/control/api.ts'
import type { AnswerOf, ApiName, BodyOf, QueryOf } from '../../protocol/control/api.ts'
import type { JobView } from '../../protocol/control/job-views.ts'
import { thrownToText } from '../../protocol/errors.ts'
import { limits } from '../../protocol/limits.ts'
import { useAgent } from './context.tsx'

/** Rows are asked for in pages of this size: 30 kB, drawn at once, and few enough requests. */
export const rowsPerPage = 200

const liveMs = 1_000

/** Whether the job can still change. */
export const isOpen = (job: Pick<JobView, 'endedAt'>): boolean => job.endedAt === null

/** One job with its peers and failures; asked again every second while it can change. */
export const useJobDetail = (id: string, open: boolean): UseQueryResult<AnswerOf<'job'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['job', id, open],
    queryFn: ({ signal }) => client.call('job', { query: { job: id }, signal }),
    refetchInterval: open ? liveMs : false,
    placeholderData: keepPreviousData,
  })
}

export const useMiniBatches = (
  id: string,
  open: boolean,
): UseQueryResult<AnswerOf<'miniBatches'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['mini-batches', id, open],
    queryFn: ({ signal }) => client.call('miniBatches', { query: { job: id }, signal }),
    // A million states are a megabyte: asked less often.
    refetchInterval: ({ state }) =>
      open ? liveMs * Math.max(1, (state.data?.total ?? 0) / manyMiniBatches) : false,
    placeholderData: keepPreviousData,
  })
}

const manyMiniBatches = 200_000

/** Who did the mini-batches of a range; nothing for a range too long to be told at once. */
export const useRuns = (
  id: string,
  range: { readonly from: number; readonly to: number },
  open: boolean,
): AnswerOf<'miniBatches'> | undefined => {
  const { client } = useAgent()
  const { from, to } = range
  const answer = useQuery({
    queryKey: ['runs', id, from, to, open],
    queryFn: ({ signal }) =>
      client.call('miniBatches', {
        query: { job: id, from, count: to - from, peers: 'true' },
        signal,
      }),
    enabled: to > from && to - from <= limits.mapPeers,
    refetchInterval: open ? 2 * liveMs : false,
  })
  return answer.data
}

export const useExplain = (
  query: QueryOf<'explain'>,
  enabled: boolean,
): UseQueryResult<AnswerOf<'explain'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['explain', query],
    queryFn: ({ signal }) => client.call('explain', { query, signal }),
    enabled,
  })
}

/**
 * A command of the person; `error` is the agent's sentence. `done` is called even when the place that sent it
 * is gone by then, unlike the callbacks of `mutate`.
 */
export const useCommand = <Name extends ApiName>(
  name: Name,
  done?: (answer: AnswerOf<Name>) => void,
): UseMutationResult<AnswerOf<Name>, Error, { query?: QueryOf<Name>; body?: BodyOf<Name> }> => {
  const { client } = useAgent()
  return useMutation({
    mutationFn: async (options: { query?: QueryOf<Name>; body?: BodyOf<Name> }) =>
      client.call(name, options),
    networkMode: 'always',
    ...(done === undefined ? {} : { onSuccess: done }),
  })
}

/** Address of the picture of one item. */
export const pictureOf = (job: string, item: number): string =>
  picturePath.replace(':job', encodeURIComponent(job)).replace(':item', String(item))

/** The sentence of anything thrown: agents already speak in sentences. */
export const errorText = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : thrownToText(thrown)
