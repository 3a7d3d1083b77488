import { Button } from '@mantine/core'
import { useMemo, useState } from 'react'
import type { JobView } from '../../../../protocol/control/views.ts'
import { errorText, isOpen, useMiniBatches } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatCount, formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { StateShape } from '../../../ui/state-mark.tsx'
import { Why } from '../why.tsx'
import { cellStateAt, cellStates, countCells } from './cells.ts'
import { MapCanvas } from './map-canvas.tsx'
import '../jobs.css'

/** Opening a cell that stands for several mini-batches shows so many around it. */
const zoomTo = 4_000

/** The map of all mini-batches, its legend with counts, and the story of one. */
export const MapTab = (props: {
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
}) => {
  const { job, spec } = props
  const answer = useMiniBatches(job.id, isOpen(job))
  const [chosen, setChosen] = useState<number>()
  const [opened, setOpened] = useState<number>()
  const [zoom, setZoom] = useState<{ from: number; to: number }>()
  const states = answer.data?.states ?? ''
  const total = answer.data?.total ?? 0
  if (answer.error !== null && answer.data === undefined) {
    return <Problem sentence={errorText(answer.error)} retry={() => void answer.refetch()} />
  }
  if (answer.data !== undefined && total === 0) {
    return <Empty sentence="The map is drawn once the first part of the plan is written." />
  }
  const open = (index: number, perCell: number): void => {
    if (perCell === 1) return setOpened(index)
    const from = Math.max(0, Math.min(total - zoomTo, index - zoomTo / 2))
    setZoom({ from, to: Math.min(total, from + zoomTo) })
    setChosen(index)
  }
  return (
    <section className="map" aria-label="Map of mini-batches">
      <Legend states={states} total={total} />
      <div className="panel map-panel">
        <MapCanvas
          states={states}
          range={zoom ?? { from: 0, to: total }}
          chosen={chosen}
          choose={setChosen}
          open={open}
          label={`Mini-batches of ${job.name}`}
        />
      </div>
      <div className="map-foot">
        <span className="map-chosen">
          {chosen === undefined ? (
            <span className="muted">
              Point at a cell, or move with the arrow keys; a click or Enter looks closer.
            </span>
          ) : (
            <Chosen index={chosen} states={states} job={job} spec={spec} />
          )}
        </span>
        {zoom === undefined ? null : (
          <Button size="compact-sm" variant="default" onClick={() => setZoom(undefined)}>
            Whole job
          </Button>
        )}
      </div>
      {opened === undefined ? null : <Why query={{ job: job.id, miniBatch: opened }} />}
    </section>
  )
}

const Legend = (props: { readonly states: string; readonly total: number }) => {
  const counts = useMemo(() => countCells(props.states), [props.states])
  return (
    <div className="legend">
      <span className="visually-hidden">
        {formatPlural(props.total, 'mini-batch', 'mini-batches')}:
      </span>
      <ul>
        {cellStates.map(({ letter, tone, word }) => {
          const count = counts.get(letter) ?? 0
          return (
            <li key={letter} className={count === 0 ? 'none' : undefined}>
              <StateShape tone={tone} />
              {word} <strong>{formatCount(count)}</strong>
            </li>
          )
        })}
      </ul>
    </div>
  )
}

const Chosen = (props: {
  readonly index: number
  readonly states: string
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
}) => {
  const { index, states, job, spec } = props
  const { tone, word } = cellStateAt(states, index)
  const size = spec?.['miniBatchSize'] ?? spec?.['mini_batch_size']
  const last = Math.min(job.items, (index + 1) * Number(size)) - 1
  return (
    <>
      <StateShape tone={tone} /> Mini-batch {formatCount(index)} · {word.toLowerCase()}
      {typeof size === 'number' && last >= index * size
        ? ` · items ${formatCount(index * size)} to ${formatCount(last)}`
        : ''}
    </>
  )
}
