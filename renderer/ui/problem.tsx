import { Button } from '@mantine/core'
import { LongText } from './long-text.tsx'
import { StateShape } from './state-mark.tsx'
import './ui.css'

/** An error where it belongs: the agent's sentence, and what can be pressed. */
export const Problem = (props: {
  readonly sentence: string
  /** Lines that are shown before the rest is asked for. */
  readonly lines?: number
  readonly retry?: () => void
}) => (
  <div className="problem" role="alert">
    <StateShape tone="failed" />
    <LongText text={props.sentence} lines={props.lines ?? 3} />
    {props.retry === undefined ? null : (
      <Button size="compact-sm" variant="default" onClick={props.retry}>
        Try again
      </Button>
    )}
  </div>
)
