import { ActionIcon, Modal } from '@mantine/core'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'
import type { RowView } from '../../../../protocol/control/job-views.ts'
import { CopyAction } from '../../../ui/copy-line.tsx'
import { formatCount, formatMiniBatch } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { ItemPicture } from './item-picture.tsx'
import './rows.css'

/** One item, large, with all that is known of it; arrow keys step to its neighbours. */
export const ItemCloseUp = (props: {
  /** Id of the job. */
  readonly job: string
  /** Undefined while it is on its way. */
  readonly row: RowView | undefined
  readonly opened: boolean
  readonly close: () => void
  readonly step: (by: 1 | -1) => void
}) => {
  const { job, row, opened, close, step } = props
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={<span className="mono">{row?.name ?? 'On its way …'}</span>}
      size="xl"
      centered
      onKeyDown={(event) => {
        // The grid below would take them too: events of a dialog reach what it was written in.
        event.stopPropagation()
        if (event.key === 'ArrowLeft') step(-1)
        if (event.key === 'ArrowRight') step(1)
      }}
    >
      <div className="close-up">
        <div className="close-up-picture">
          {row === undefined ? null : (
            <ItemPicture key={row.item} job={job} item={row.item} name={row.name} />
          )}
        </div>
        <div className="close-up-facts">
          {row === undefined ? null : <Facts row={row} />}
          <div className="close-up-steps">
            <ActionIcon variant="default" aria-label="Item before" onClick={() => step(-1)}>
              <IconChevronLeft size="1rem" />
            </ActionIcon>
            <ActionIcon variant="default" aria-label="Next item" onClick={() => step(1)}>
              <IconChevronRight size="1rem" />
            </ActionIcon>
            {row === undefined ? null : (
              <span className="close-up-copy muted small">
                As JSON
                <CopyAction text={rowJson(row)} what="row" />
              </span>
            )}
          </div>
        </div>
      </div>
    </Modal>
  )
}

const Facts = (props: { readonly row: RowView }) => {
  const { row } = props
  return (
    <>
      {row.failure === '' ? null : <Problem sentence={row.failure} lines={16} />}
      <dl className="configuration">
        {valueLines(row).map(([word, text]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd className="mono">{text}</dd>
          </div>
        ))}
        <div>
          <dt>Place in plan</dt>
          <dd className="mono">{formatCount(row.item)}</dd>
        </div>
        <div>
          <dt>Mini-batch</dt>
          <dd className="mono">{formatMiniBatch(row.miniBatch)}</dd>
        </div>
        <div>
          <dt>Peer</dt>
          <dd>
            {row.peerName}, attempt {row.attempt}
          </dd>
        </div>
      </dl>
    </>
  )
}

/** A row by itself, to be pasted elsewhere. */
const rowJson = ({ name, value, failure }: RowView): string =>
  JSON.stringify(failure === '' ? { item: name, value } : { item: name, failure }, undefined, 2)

/** What the title says already is left out. */
const valueLines = ({ name, value, failure }: RowView): readonly (readonly [string, string])[] => {
  if (failure !== '') return []
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [['Value', JSON.stringify(value)]]
  return Object.entries(value)
    .filter(([, each]) => each !== name && each !== name.split('/').at(-1))
    .map(([key, each]) => [key, typeof each === 'string' ? each : JSON.stringify(each)])
}
