import { Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import { errorText, isOpen } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { typingMs, useFirstRows } from '../rows/use-rows.ts'
import type { RowFilter } from '../rows/use-rows.ts'
import { answerFields, classesOf } from './answers.ts'
import { GalleryGrid } from './gallery-grid.tsx'
import './gallery.css'

/** Pictures of all items with what the job answered, in the order of the plan. */
export const GalleryTab = (props: {
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
}) => {
  const { job, spec } = props
  const [text, setText] = useState('')
  const [wanted, setWanted] = useState<string | null>(null)
  const [search] = useDebouncedValue(text.trim(), typingMs)
  const open = isOpen(job)
  const plain = useMemo<RowFilter>(
    () => ({ job: job.id, search: '', onlyFailures: false, open }),
    [job.id, open],
  )
  // The same page as the rows' own tab asks for: it tells the classes.
  const all = useFirstRows(plain)
  const fields = useMemo(() => answerFields(all.data?.rows ?? []), [all.data?.rows])
  const classes = useMemo(
    () => classesOf(fields, all.data?.rows ?? [], spec),
    [fields, all.data?.rows, spec],
  )
  const filter = useMemo<RowFilter>(
    () => ({
      ...plain,
      search,
      ...(wanted === null ? {} : { where: { field: fields.classKey ?? '', equals: wanted } }),
    }),
    [plain, search, wanted, fields.classKey],
  )
  const first = useFirstRows(filter)
  const total = first.data?.total ?? 0
  return (
    <section className="rows" aria-label="Gallery">
      <GalleryBar
        {...{ classes, wanted, text }}
        want={setWanted}
        write={setText}
        told={first.data === undefined ? '' : formatPlural(total, 'item')}
      />
      {first.error === null ? null : (
        <Problem sentence={errorText(first.error)} retry={() => void first.refetch()} />
      )}
      <div className="panel fill">
        {first.data === undefined ? null : total === 0 ? (
          <Empty sentence={emptySentence(job, filter)} />
        ) : (
          <GalleryGrid
            key={`${search} ${wanted ?? ''}`}
            job={job}
            filter={filter}
            fields={fields}
            total={total}
          />
        )}
      </div>
    </section>
  )
}

const GalleryBar = (props: {
  readonly classes: readonly string[]
  readonly wanted: string | null
  readonly want: (name: string | null) => void
  readonly text: string
  readonly write: (text: string) => void
  readonly told: string
}) => (
  <div className="rows-bar">
    <Select
      size="xs"
      className="gallery-class"
      aria-label="Class"
      placeholder="All classes"
      data={[...props.classes]}
      value={props.wanted}
      onChange={props.want}
      disabled={props.classes.length === 0}
      limit={200}
      clearable
      searchable
      clearButtonProps={{ 'aria-label': 'All classes' }}
    />
    <TextInput
      type="search"
      size="xs"
      className="search"
      aria-label="Find pictures"
      placeholder="Item or value"
      leftSection={<IconSearch size="0.875rem" />}
      value={props.text}
      onChange={(event) => props.write(event.currentTarget.value)}
    />
    <span className="rows-count muted" role="status">
      {props.told}
    </span>
  </div>
)

const emptySentence = (job: JobView, { where, search }: RowFilter): string => {
  if (where !== undefined)
    return `No item${search === '' ? '' : ` with “${search}”`} was called “${where.equals}”.`
  if (search !== '') return `No item contains “${search}”.`
  if (isOpen(job)) return 'Pictures appear here as soon as the first mini-batch is committed.'
  return job.rows > 0 ? `The rows of this job are on ${job.keeperName}.` : 'This job has no rows.'
}
