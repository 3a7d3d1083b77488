import { Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import type { JobView, RowPageView } from '../../../../protocol/control/job-views.ts'
import { errorText, isOpen } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatCount, formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { ExportMenu } from './export-menu.tsx'
import { RowTable } from './row-table.tsx'
import { typingMs, useFirstRows } from './use-rows.ts'
import type { RowFilter } from './use-rows.ts'
import { valueColumns } from './value-columns.ts'
import './rows.css'

/** All rows of a job in the order of its plan, with search. */
export const RowsTab = (props: { readonly job: JobView }) => {
  const { job } = props
  const [text, setText] = useState('')
  const [onlyFailures, setOnlyFailures] = useState(false)
  const [search] = useDebouncedValue(text.trim(), typingMs)
  const open = isOpen(job)
  const filter = useMemo<RowFilter>(
    () => ({ job: job.id, search, onlyFailures, open }),
    [job.id, search, onlyFailures, open],
  )
  const first = useFirstRows(filter)
  return (
    <section className="rows" aria-label="Rows">
      <div className="rows-bar">
        <TextInput
          type="search"
          size="xs"
          className="search"
          aria-label="Find rows"
          placeholder="Item or value"
          leftSection={<IconSearch size="0.875rem" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Switch
          size="xs"
          label="Only failures"
          checked={onlyFailures}
          onChange={(event) => setOnlyFailures(event.currentTarget.checked)}
        />
        <span className="rows-count muted" role="status">
          {first.data === undefined ? '' : countLine(job, filter, first.data.total)}
        </span>
        <ExportMenu job={job} />
      </div>
      {first.error === null ? null : (
        <Problem sentence={errorText(first.error)} retry={() => void first.refetch()} />
      )}
      <div className="panel fill">
        {first.data === undefined ? null : <Found job={job} filter={filter} first={first.data} />}
      </div>
    </section>
  )
}

const Found = (props: {
  readonly job: JobView
  readonly filter: RowFilter
  readonly first: RowPageView
}) => {
  const { job, filter, first } = props
  const columns = useMemo(() => valueColumns(first.rows), [first.rows])
  if (first.total === 0) return <Empty sentence={emptySentence(job, filter)} />
  return (
    <RowTable
      key={`${filter.search} ${filter.onlyFailures}`}
      {...{ filter, columns }}
      total={first.total}
    />
  )
}

const countLine = (job: JobView, filter: RowFilter, total: number): string => {
  if (filter.onlyFailures) return formatPlural(total, 'failed item')
  if (filter.search !== '') return `${formatPlural(total, 'row')} found`
  const elsewhere = job.rows - job.rowsHere
  return elsewhere > 0 && job.keeperName !== ''
    ? `${formatCount(total)} here, ${formatCount(elsewhere)} more on ${job.keeperName}`
    : formatPlural(total, 'row')
}

const emptySentence = (job: JobView, filter: RowFilter): string => {
  if (filter.search !== '') return `No row contains “${filter.search}”.`
  if (filter.onlyFailures) return 'No item has failed.'
  if (isOpen(job)) return 'Rows appear here as soon as the first mini-batch is committed.'
  return job.rows > 0
    ? `The rows of this job are on ${job.keeperName}.`
    : 'This job returned no rows.'
}
