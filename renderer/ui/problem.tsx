import { Button } from '@mantine/core'
import { LongText } from './long-text.tsx'
import { StateShape } from './state-mark.tsx'
import './ui.css'

/** An error where it belongs: the agent's sentence, and what can be pressed. */
export const Problem = (props: { readonly sentence: string; readonly retry?: () => void }) => (
  <div className="problem" role="alert">
    <StateShape tone="failed" />
    <LongText text={props.sentence} />
    {props.retry === undefined ? null : (
      <Button size="compact-sm" variant="default" onClick={props.retry}>
        Try again
      </Button>
    )}
  </div>
)
