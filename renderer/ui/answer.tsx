import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useLive, useNow } from '../agent/context.tsx'
import { errorText } from '../agent/queries.ts'
import { formatAge } from './format.ts'
import { Problem } from './problem.tsx'

/** What was asked for, as soon as it is known; what is known stays when the agent no longer answers. */
export const Answer = <Data,>(props: {
  readonly of: UseQueryResult<Data>
  /** What is asked for: "the runs". */
  readonly what: string
  readonly children: (data: Data) => ReactNode
}) => {
  const { data, error, refetch, dataUpdatedAt } = props.of
  const retry = (): void => void refetch()
  if (data === undefined)
    return error === null ? (
      <p className="muted asking" role="status">
        Asking for {props.what} …
      </p>
    ) : (
      <Problem sentence={errorText(error)} retry={retry} />
    )
  return (
    <>
      {error === null ? null : (
        <Stale at={dataUpdatedAt} sentence={errorText(error)} retry={retry} />
      )}
      {props.children(data)}
    </>
  )
}

/** While the agent is away the frame of the page says so; how old this is, only the place itself knows. */
const Stale = (props: {
  readonly at: number
  readonly sentence: string
  readonly retry: () => void
}) => {
  const { phase } = useLive()
  const now = useNow()
  const age = `Known ${formatAge(now - props.at)}.`
  return phase === 'live' ? (
    <Problem sentence={`${props.sentence} ${age}`} retry={props.retry} />
  ) : (
    <p className="muted small stale">{age}</p>
  )
}
