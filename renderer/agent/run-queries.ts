import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import { useThrottledValue } from '@mantine/hooks'
import { useEffect, useMemo, useRef } from 'react'
import type { AnswerOf } from '../../protocol/control/api.ts'
import { useAgent, useLive } from './context.tsx'

/** While a run is open its figures move; its states are heard of at once. */
const openMs = 1_000
/** A list of hundreds of runs costs the agent some work. */
const openListMs = 5_000
/** States of many jobs may change many times a second. */
const restMs = 700
/** As many as jobs in the first screen. */
export const runsMost = 500

/**
 * Runs, experiments and schedules have no deltas of their own, but each of their changes is one of a job:
 * asks again whenever a job came or changed its state, and when the agent is back.
 */
const useAgainWithJobs = (kind: string): void => {
  const queries = useQueryClient()
  const { data, phase } = useLive()
  const newest = useMemo(
    () => `${phase} ${data?.jobs.map(({ id, state }) => `${id} ${state}`).join('\n') ?? ''}`,
    [data?.jobs, phase],
  )
  const states = useThrottledValue(newest, restMs)
  const asked = useRef(states)
  useEffect(() => {
    if (asked.current === states) return
    asked.current = states
    // An answer on its way is awaited: changes faster than answers would else never let one arrive.
    if (states.startsWith('live'))
      void queries.invalidateQueries({ queryKey: [kind] }, { cancelRefetch: false })
  }, [queries, kind, states])
}

/** What is known stays on the screen while the agent is away. */
const kept = { gcTime: Infinity } as const

export const useRuns = (): UseQueryResult<AnswerOf<'pipelines'>> => {
  const { client } = useAgent()
  useAgainWithJobs('runs')
  return useQuery({
    ...kept,
    queryKey: ['runs', 'list'],
    queryFn: ({ signal }) => client.call('pipelines', { query: { limit: runsMost }, signal }),
    refetchInterval: ({ state }) =>
      state.data?.pipelines.some(({ endedAt }) => endedAt === null) === true ? openListMs : false,
  })
}

export const useRun = (id: string): UseQueryResult<AnswerOf<'pipeline'>> => {
  const { client } = useAgent()
  useAgainWithJobs('runs')
  return useQuery({
    ...kept,
    queryKey: ['runs', 'one', id],
    queryFn: ({ signal }) => client.call('pipeline', { query: { pipeline: id }, signal }),
    refetchInterval: ({ state }) => (state.data?.endedAt === null ? openMs : false),
  })
}

export const useExperiments = (): UseQueryResult<AnswerOf<'experiments'>> => {
  const { client } = useAgent()
  useAgainWithJobs('experiments')
  return useQuery({
    ...kept,
    queryKey: ['experiments', 'list'],
    queryFn: ({ signal }) => client.call('experiments', { signal }),
    refetchInterval: ({ state }) =>
      state.data?.experiments.some(({ open }) => open > 0) === true ? openListMs : false,
  })
}

/** The runs of one experiment, newest first. */
export const useExperimentRuns = (name: string): UseQueryResult<AnswerOf<'pipelines'>> => {
  const { client } = useAgent()
  useAgainWithJobs('experiments')
  return useQuery({
    ...kept,
    queryKey: ['experiments', 'runs', name],
    queryFn: ({ signal }) =>
      client.call('pipelines', { query: { limit: runsMost, experiment: name }, signal }),
    refetchInterval: ({ state }) =>
      state.data?.pipelines.some(({ endedAt }) => endedAt === null) === true ? openListMs : false,
  })
}

/** Runs side by side; `ids` empty: nothing is asked. */
export const useComparison = (
  ids: readonly string[],
): UseQueryResult<AnswerOf<'compareExperiments'>> => {
  const { client } = useAgent()
  return useQuery({
    ...kept,
    queryKey: ['experiments', 'compare', ids],
    queryFn: ({ signal }) =>
      client.call('compareExperiments', { query: { of: ids.join(',') }, signal }),
    enabled: ids.length > 0,
    placeholderData: (known) => known,
    refetchInterval: ({ state }) =>
      state.data?.runs.some(({ seconds }) => seconds === null) === true ? openMs : false,
  })
}

export const useSchedules = (): UseQueryResult<AnswerOf<'schedules'>> => {
  const { client } = useAgent()
  useAgainWithJobs('schedules')
  return useQuery({
    ...kept,
    queryKey: ['schedules'],
    queryFn: ({ signal }) => client.call('schedules', { signal }),
    // The next time passes without a word when a run is left out.
    refetchInterval: openListMs,
  })
}
