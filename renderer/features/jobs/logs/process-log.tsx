import { useJobLog } from '../../../agent/log-queries.ts'
import { Answer } from '../../../ui/answer.tsx'
import { LogText } from './log-text.tsx'
import { textOf } from './starts.ts'

/** What one worker process printed; followed while the job runs. */
export const ProcessLog = (props: {
  readonly job: string
  readonly peer: string
  readonly process: number
  readonly open: boolean
}) => {
  const { job, peer, process, open } = props
  const log = useJobLog({ job, peer, process }, open)
  return (
    <div className="log-holder">
      <Answer of={log} what="the log">
        {({ logs }) => <LogText text={textOf(logs)} what="log" follows={open} />}
      </Answer>
    </div>
  )
}
