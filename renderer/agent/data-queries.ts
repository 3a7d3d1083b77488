import { useQuery } from '@tanstack/react-query'
import type { UseQueryResult } from '@tanstack/react-query'
import { inputPicturePath } from '../../protocol/control/api.ts'
import type { AnswerOf } from '../../protocol/control/api.ts'
import { useAgent } from './context.tsx'

/** Enough to see what the data is. */
const previewItems = 8

/** The first items of an input as a job file names it; undefined: nothing is asked. */
export const usePreview = (
  input: Readonly<Record<string, unknown>> | undefined,
): UseQueryResult<AnswerOf<'previewData'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['preview', input],
    queryFn: ({ signal }) =>
      client.call('previewData', { body: { input: { ...input }, count: previewItems }, signal }),
    enabled: input !== undefined,
    retry: false,
    staleTime: Infinity,
    gcTime: 60_000,
  })
}

export const datasetsKey = ['datasets'] as const
export const datastoresKey = ['datastores'] as const
/** Others register too, and there is no word of it. */
const registryMs = 5_000

export const useDatasets = (): UseQueryResult<AnswerOf<'datasets'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: datasetsKey,
    queryFn: ({ signal }) => client.call('datasets', { signal }),
    refetchInterval: registryMs,
  })
}

export const useDatastores = (): UseQueryResult<AnswerOf<'datastores'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: datastoresKey,
    queryFn: ({ signal }) => client.call('datastores', { signal }),
    refetchInterval: registryMs,
  })
}

/** What is wrong with a file; asked only where there is something to look at. */
export const useCheck = (
  text: string,
  file: string,
  enabled: boolean,
): UseQueryResult<AnswerOf<'checkFile'>> => {
  const { client } = useAgent()
  return useQuery({
    queryKey: ['check', text, file],
    queryFn: ({ signal }) => client.call('checkFile', { body: { text, file }, signal }),
    enabled,
    retry: false,
    gcTime: 60_000,
  })
}

/** Address of the picture of a file of an input that no job has yet. */
export const inputPictureOf = (input: Readonly<Record<string, unknown>>, name: string): string =>
  `${inputPicturePath}?${new URLSearchParams({ input: JSON.stringify(input), name }).toString()}`
