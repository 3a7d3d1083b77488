import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import type { ControlClient } from '../../../../protocol/control/client.ts'
import type { RowPageView, RowView } from '../../../../protocol/control/job-views.ts'
import { useAgent } from '../../../agent/context.tsx'
import { rowsPerPage } from '../../../agent/queries.ts'

/** Which rows of a job are wanted. */
export interface RowFilter {
  readonly job: string
  readonly search: string
  readonly onlyFailures: boolean
  /** Rows whose field is this; `field` empty: the whole value. */
  readonly where?: { readonly field: string; readonly equals: string }
  /** Whether the job can still bring rows. */
  readonly open: boolean
}

/** Nobody types faster than this, and the agent looks through every row. */
export const typingMs = 250
/** Rows appear in the order of the plan, so early pages of a running job are asked again. */
const liveMs = 1_000
/** Finding costs the agent up to a second in a million rows. */
const narrowMs = 5_000
/** Pages passed while scrolling quickly are not asked for. */
const restMs = 60
/** Pages out of sight are forgotten soon: a million rows would be a gigabyte. */
const forgetMs = 30_000

/** The first page: the number of rows, and the columns. */
export const useFirstRows = (filter: RowFilter) => {
  const { client } = useAgent()
  return useQuery({ ...pageQuery(client, filter, 0), placeholderData: keepPreviousData })
}

/** Rows by position; undefined where the page is on its way. Only pages in sight are asked for. */
export const useRowsInSight = (
  filter: RowFilter,
  range: { readonly first: number; readonly last: number },
): ((index: number) => RowView | undefined) => {
  const { client } = useAgent()
  const firstPage = Math.floor(range.first / rowsPerPage)
  const lastPage = Math.floor(Math.max(range.first, range.last - 1) / rowsPerPage)
  const [[from, to]] = useDebouncedValue<readonly [number, number]>([firstPage, lastPage], restMs, {
    leading: true,
  })
  const pages = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const answers = useQueries({
    queries: pages.map((page) => pageQuery(client, filter, page)),
  })
  const rowsByPage = new Map(pages.map((page, index) => [page, answers[index]?.data?.rows]))
  return (index) => rowsByPage.get(Math.floor(index / rowsPerPage))?.[index % rowsPerPage]
}

/** Whether the agent must look at every row to answer. */
const isNarrow = ({ search, where }: RowFilter): boolean => search !== '' || where !== undefined

const pageQuery = (client: ControlClient, filter: RowFilter, page: number) => ({
  queryKey: ['rows', filter, page],
  queryFn: ({ signal }: { signal: AbortSignal }): Promise<RowPageView> =>
    client.call('results', {
      query: {
        job: filter.job,
        offset: page * rowsPerPage,
        limit: rowsPerPage,
        ...(filter.search === '' ? {} : { search: filter.search }),
        ...filter.where,
        ...(filter.onlyFailures ? { only: 'failures' as const } : {}),
      },
      signal,
    }),
  refetchInterval: filter.open ? (isNarrow(filter) ? narrowMs : liveMs) : (false as const),
  staleTime: filter.open ? 0 : Infinity,
  gcTime: forgetMs,
})
