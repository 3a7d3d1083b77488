import { Button } from '@mantine/core'
import { StateShape } from './state-mark.tsx'
import './ui.css'

/** An error where it belongs: the agent's sentence, and what can be pressed. */
export const Problem = (props: { readonly sentence: string; readonly retry?: () => void }) => (
  <div className="problem" role="alert">
    <StateShape tone="failed" />
    <span>{props.sentence}</span>
    {props.retry === undefined ? null : (
      <Button size="compact-sm" variant="default" onClick={props.retry}>
        Try again
      </Button>
    )}
  </div>
)
