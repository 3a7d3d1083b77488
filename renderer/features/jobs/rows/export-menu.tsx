import { ActionIcon, Button, Menu } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import type { JobView } from '../../../../protocol/control/job-views.ts'

/** Formats in the order in which people look for them, and what opens them. */
const formats = [
  ['csv', 'CSV', 'for spreadsheets'],
  ['tsv', 'TSV', 'the same with tabs'],
  ['jsonl', 'JSON Lines', 'one value a line'],
  ['parquet', 'Parquet', 'typed columns'],
  ['txt', 'Text', 'one line an element'],
] as const

/** Saves the rows that are here as a file; the browser asks where. */
export const ExportMenu = (props: {
  readonly job: Pick<JobView, 'id' | 'rowsHere'>
  /** Where several stand on a page: the name of a button that shows only its sign. */
  readonly label?: string
}) => {
  const { job } = props
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target>
        {props.label === undefined ? (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconDownload size="0.875rem" />}
            disabled={job.rowsHere === 0}
          >
            Export
          </Button>
        ) : (
          <ActionIcon
            variant="default"
            disabled={job.rowsHere === 0}
            aria-label={props.label}
            title={props.label}
          >
            <IconDownload size="0.875rem" />
          </ActionIcon>
        )}
      </Menu.Target>
      <Menu.Dropdown>
        {formats.map(([format, name, use]) => (
          <Menu.Item
            key={format}
            component="a"
            href={`/api/v1/jobs/${encodeURIComponent(job.id)}/download?format=${format}`}
            download
            rightSection={<span className="muted">{use}</span>}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
