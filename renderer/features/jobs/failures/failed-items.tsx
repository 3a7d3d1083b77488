import { Button } from '@mantine/core'
import { useMemo } from 'react'
import { errorText } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { RowTable } from '../rows/row-table.tsx'
import { useFirstRows } from '../rows/use-rows.ts'
import type { RowFilter } from '../rows/use-rows.ts'
import { valueColumns } from '../rows/value-columns.ts'
import './failures.css'

/** The failed items with their pictures: all of them, or those of one cause. */
export const FailedItems = (props: {
  readonly job: string
  readonly open: boolean
  /** Words that all of its sentences have; undefined: every cause. */
  readonly common: string | undefined
  readonly showAll: () => void
}) => {
  const { job, open, common, showAll } = props
  const filter = useMemo<RowFilter>(
    () => ({ job, open, onlyFailures: true, search: (common ?? '').slice(0, searchMost) }),
    [job, open, common],
  )
  const first = useFirstRows(filter)
  const columns = useMemo(() => valueColumns([]), [])
  return (
    <div className="failed-items">
      <div className="failed-head">
        <h2>Failed items</h2>
        <span className="muted small" role="status">
          {first.data === undefined ? '' : formatPlural(first.data.total, 'item')}
          {common === undefined ? '' : ' with this cause'}
        </span>
        {common === undefined ? null : (
          <Button size="compact-xs" variant="default" onClick={showAll}>
            All causes
          </Button>
        )}
      </div>
      {first.error === null ? null : (
        <Problem sentence={errorText(first.error)} retry={() => void first.refetch()} />
      )}
      <div className="panel fill failed-table">
        {first.data === undefined ? null : first.data.total === 0 ? (
          <Empty sentence="The rows of these items are not on this machine." />
        ) : (
          <RowTable key={common ?? ''} {...{ filter, columns }} total={first.data.total} />
        )}
      </div>
    </div>
  )
}

/** The agent searches for at most so many characters. */
const searchMost = 256
