import { useState } from 'react'
import type { AnswerOf } from '../../../../protocol/control/api.ts'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import { useJobLogs } from '../../../agent/log-queries.ts'
import { isOpen } from '../../../agent/queries.ts'
import { Answer } from '../../../ui/answer.tsx'
import { ClippedText } from '../../../ui/clipped-text.tsx'
import { CopyLine } from '../../../ui/copy-line.tsx'
import { formatBytes } from '../../../ui/format.ts'
import { LogText } from './log-text.tsx'
import { ProcessLog } from './process-log.tsx'
import { byProcess } from './starts.ts'
import type { ProcessLogs } from './starts.ts'
import './logs.css'

type Logs = AnswerOf<'jobLogs'>

/** The overview of a job, and what its worker processes printed. */
export const LogsTab = (props: { readonly job: JobView }) => {
  const { job } = props
  const logs = useJobLogs(job.id, isOpen(job))
  return (
    <Answer of={logs} what="the logs">
      {(known) => <Logs job={job} known={known} />}
    </Answer>
  )
}

const keyOf = ({ peer, process }: ProcessLogs): string => `${peer} ${process}`

const Logs = (props: { readonly job: JobView; readonly known: Logs }) => {
  const { job, known } = props
  const [chosen, setChosen] = useState('')
  const processes = byProcess(known.logs)
  const process = processes.find((one) => keyOf(one) === chosen)
  return (
    <section className="logs" aria-label="Logs">
      <nav className="panel log-choices" aria-label="Logs of the job" tabIndex={0}>
        <ul>
          <Choice
            word="Overview"
            isChosen={process === undefined}
            choose={() => setChosen('')}
            more=""
          />
          {processes.map((one) => (
            <Choice
              key={keyOf(one)}
              word={`${one.peerName}, process ${one.process}`}
              isChosen={keyOf(one) === chosen}
              choose={() => setChosen(keyOf(one))}
              more={formatBytes(one.bytes)}
            />
          ))}
        </ul>
        <Notes known={known} />
      </nav>
      {process === undefined ? (
        <LogText text={known.overview} what="overview" />
      ) : (
        <ProcessLog
          key={chosen}
          job={job.id}
          peer={process.peer}
          process={process.process}
          open={isOpen(job)}
        />
      )}
    </section>
  )
}

const Choice = (props: {
  readonly word: string
  readonly more: string
  readonly isChosen: boolean
  readonly choose: () => void
}) => (
  <li>
    <button
      type="button"
      className="log-choice"
      aria-current={props.isChosen ? 'true' : undefined}
      onClick={props.choose}
    >
      <ClippedText text={props.word} />
      <span className="muted small n">{props.more}</span>
    </button>
  </li>
)

/** What is not here, and where the files are. */
const Notes = (props: { readonly known: Logs }) => {
  const { logs, missing, folder } = props.known
  return (
    <div className="log-notes muted small">
      {logs.length === 0 && missing.length === 0 ? (
        <p>Its worker processes printed nothing. Only entry scripts print.</p>
      ) : null}
      {missing.length === 0 ? null : (
        <p>{missing.join(', ')} cannot be asked now; their logs can be read when they are back.</p>
      )}
      {folder === '' ? null : (
        <div>
          Files of the run
          <CopyLine text={folder} what="folder of the logs" bare />
        </div>
      )}
    </div>
  )
}
