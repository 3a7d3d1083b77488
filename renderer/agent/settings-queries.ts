import { useQuery } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import type { AnswerOf } from '../../protocol/control/api.ts'
import { useAgent } from './context.tsx'

/** A terminal may change them too. */
const againMs = 10_000

export const settingsKey = ['settings'] as const

export const useSettings = (): UseQueryResult<AnswerOf<'settings'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: settingsKey,
    queryFn: ({ signal }) => client.call('settings', { signal }),
    refetchInterval: againMs,
  })
}

/** Looks at this machine each time the place is opened, and when the person asks again. */
export const useDoctor = (): UseQueryResult<AnswerOf<'doctor'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['doctor'],
    queryFn: ({ signal }) => client.call('doctor', { signal }),
    retry: false,
    staleTime: againMs,
  })
}
