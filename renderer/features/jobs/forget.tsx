import type { JobView } from '../../../protocol/control/job-views.ts'
import { useCommand } from '../../agent/queries.ts'
import { AskFirst } from '../../ui/ask-first.tsx'
import { formatCount } from '../../ui/format.ts'

/** Takes a job's rows and names from all machines, after a question: nothing brings them back. */
export const Forget = (props: { readonly job: JobView }) => {
  const { job } = props
  const forget = useCommand('forgetJob')
  return (
    <AskFirst
      label="Forget"
      title={`Forget ${job.name}?`}
      leave="Keep it"
      confirm="Forget the job"
      act={async () => {
        const { left, sharedWith } = await forget.mutateAsync({ query: { job: job.id } })
        const files = left === '' ? '' : ` Files in ${left} stay.`
        const rows = sharedWith.map(({ id, name }) => `${name} (${id})`).join(', ')
        const shared =
          rows === ''
            ? ''
            : ` Rows of it stay in jobs that took them over or gave them: ${rows}. Forget them too if they must go.`
        return `${job.name} is forgotten.${files}${shared}`
      }}
    >
      Its {formatCount(job.rows)} rows, its logs, its output and the names of its items go from
      every machine, and nothing brings them back. Files that were exported stay.
    </AskFirst>
  )
}
