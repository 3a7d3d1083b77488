import { useNow } from '../agent/context.tsx'
import { formatAge, formatTime } from './format.ts'

/** How long ago something was, with its time for the pointer. */
export const Age = (props: { readonly at: number }) => {
  const now = useNow(10_000)
  return <span title={formatTime(props.at)}>{formatAge(now - props.at)}</span>
}
