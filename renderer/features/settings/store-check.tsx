import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { StoreWorkView } from '../../../protocol/control/care-views.ts'
import { useAgent } from '../../agent/context.tsx'
import { errorText, useCommand } from '../../agent/queries.ts'
import { Bar } from '../../ui/bar.tsx'
import { formatBytes, formatCount } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import './settings.css'

const storeKey = ['store-work'] as const
const runningMs = 500

/** Reads everything that is kept here; it goes on when the page is closed. */
export const StoreCheck = () => {
  const { client } = useAgent()
  const queries = useQueryClient()
  const work = useQuery({
    queryKey: storeKey,
    queryFn: ({ signal }) => client.call('storeWork', { signal }),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? runningMs : false),
  })
  const start = useCommand('startStoreWork', (answer) => queries.setQueryData(storeKey, answer))
  const isRunning = work.data?.state === 'running'
  const problem = start.error ?? work.error
  return (
    <section className="panel store-check" aria-labelledby="store-check">
      <div className="doctor-bar">
        <h2 id="store-check">Store</h2>
        <span className="muted small">
          Reads every record and file that is kept here. Jobs go on meanwhile.
        </span>
        <Button
          size="compact-sm"
          variant="default"
          disabled={isRunning || work.data === undefined}
          loading={start.isPending}
          onClick={() => start.mutate({ body: { kind: 'check' } })}
        >
          Check the store
        </Button>
      </div>
      {problem === null ? null : <Problem sentence={errorText(problem)} />}
      {work.data === undefined ? null : <Work work={work.data} />}
    </section>
  )
}

const Work = (props: { readonly work: StoreWorkView }) => {
  const { state, phase, done, total, error, report } = props.work
  if (state === 'idle') return null
  if (state === 'running')
    return (
      <div className="store-work" role="status">
        <span className="muted small">{phase} …</span>
        <Bar
          label={`${phase}: ${done} of ${total}`}
          thin
          parts={[{ share: total === 0 ? 0 : done / total, colour: 'var(--running-mark)' }]}
        />
      </div>
    )
  if (state === 'failed' || report === null) return <Problem sentence={error} />
  return (
    <div className="store-work" role="status">
      <StateMark
        tone={report.sound ? 'committed' : 'failed'}
        word={report.sound ? 'All of it is sound' : 'Something is wrong'}
      />
      <span className="muted small">
        {formatBytes(report.bytes)}, {formatCount(report.records)} records,{' '}
        {formatCount(report.blobs.present)} files of {formatBytes(report.blobs.bytes)}
      </span>
      {[...report.findings, ...report.notes].map((line) => (
        <p key={line} className="small">
          {line}
        </p>
      ))}
    </div>
  )
}
