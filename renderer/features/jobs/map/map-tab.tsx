import { Button } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import { errorText, isOpen, useMiniBatches, useRuns } from '../../../agent/queries.ts'
import { Empty } from '../../../ui/empty.tsx'
import { formatCount, formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { StateShape } from '../../../ui/state-mark.tsx'
import { Why } from '../why.tsx'
import { cellStates, countCells } from './cells.ts'
import { ChosenCell } from './chosen-cell.tsx'
import { MapBand } from './map-band.tsx'
import { MapCanvas } from './map-canvas.tsx'
import { moved } from './range.ts'
import type { Range } from './range.ts'
import '../jobs.css'

/** Opening a cell that stands for several mini-batches shows so many around it. */
const zoomTo = 4_000
/** With more mini-batches than these a band of all of them stands above the cells. */
const bandFrom = 20_000

/** The map of all mini-batches, its legend with counts, and the story of one. */
export const MapTab = (props: {
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
}) => {
  const { job, spec } = props
  const answer = useMiniBatches(job.id, isOpen(job))
  const total = answer.data?.total ?? 0
  if (answer.error !== null && answer.data === undefined) {
    return <Problem sentence={errorText(answer.error)} retry={() => void answer.refetch()} />
  }
  if (answer.data !== undefined && total === 0) {
    return <Empty sentence="The map is drawn once the first part of the plan is written." />
  }
  // Without states there are no cells to move over: keys pressed meanwhile would be lost.
  if (answer.data === undefined) return <section className="map" aria-busy="true" />
  const { states } = answer.data
  return (
    <section className="map" aria-label="Map of mini-batches">
      <Legend states={states} total={total} />
      <Cells key={job.id} job={job} spec={spec} states={states} />
    </section>
  )
}

const Cells = (props: {
  readonly job: JobView
  readonly spec: Readonly<Record<string, unknown>> | undefined
  readonly states: string
}) => {
  const { job, spec, states } = props
  const total = states.length
  const [chosen, setChosen] = useState<number>()
  const [opened, setOpened] = useState<number>()
  const [zoom, setZoom] = useState<Range>()
  const range = zoom ?? { from: 0, to: total }
  const [restedRange] = useDebouncedValue(range, 200, { leading: true })
  const runs = useRuns(job.id, restedRange, isOpen(job))
  const runStarts = useMemo(() => (runs?.runs ?? []).map(([from]) => from), [runs])
  const show = (next: Range): void => setZoom(next.to - next.from >= total ? undefined : next)
  const open = (index: number, perCell: number): void => {
    setChosen(index)
    if (perCell === 1) return setOpened(index)
    show(moved({ from: 0, to: zoomTo }, index, total))
  }
  return (
    <>
      {total >= bandFrom ? (
        <MapBand
          {...{ states, show }}
          shown={range}
          label={`Part of ${job.name} that the map shows`}
        />
      ) : null}
      <div className="panel map-panel">
        <MapCanvas
          {...{ states, range, chosen, runStarts, open, show }}
          choose={setChosen}
          label={`Mini-batches of ${job.name}`}
        />
      </div>
      <div className="map-foot">
        <span className="map-chosen">
          {chosen === undefined ? (
            <span className="muted">{hintOf(total)}</span>
          ) : (
            <ChosenCell index={chosen} {...{ states, job, spec, runs }} />
          )}
        </span>
        {zoom === undefined ? null : (
          <Button size="compact-sm" variant="default" onClick={() => setZoom(undefined)}>
            Whole job
          </Button>
        )}
      </div>
      {opened === undefined ? null : <Why query={{ job: job.id, miniBatch: opened }} />}
    </>
  )
}

const hintOf = (total: number): string =>
  total >= bandFrom
    ? 'Drag over the band or turn the wheel to look closer; arrow keys move, Enter tells the story.'
    : 'Point at a cell, or move with the arrow keys; a click or Enter tells its story.'

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
