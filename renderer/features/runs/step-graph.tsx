import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { StepView } from '../../../protocol/control/pipeline-views.ts'
import { formatCount, formatPlural } from '../../ui/format.ts'
import { StateShape } from '../../ui/state-mark.tsx'
import { jobStates } from '../jobs/job-state.ts'
import { layoutSteps } from './layout.ts'
import type { Layout } from './layout.ts'
import './runs.css'

/** Sizes in rem, so that they grow with the text. */
const box = { width: 11.5, height: 3.25, gapX: 2.75, gapY: 0.75 }

/** The steps of a run as boxes, each right of what it reads from. The table below tells the same. */
export const StepGraph = (props: {
  readonly steps: readonly StepView[]
  readonly name: string
}) => {
  const layout = useMemo(() => layoutSteps(props.steps), [props.steps])
  return (
    <div
      className="panel step-graph"
      tabIndex={0}
      role="region"
      aria-label={`Steps of ${props.name} and what they read from`}
    >
      <div
        className="step-graph-body"
        style={{
          width: `${sizeOf(layout.columns, box.width, box.gapX)}rem`,
          height: `${sizeOf(layout.rows, box.height, box.gapY)}rem`,
        }}
      >
        <Edges layout={layout} />
        {layout.placed.map(({ step, column, row }) => (
          <div
            key={step.name}
            className="step-box-place"
            style={{
              left: `${column * (box.width + box.gapX)}rem`,
              top: `${row * (box.height + box.gapY)}rem`,
              width: `${box.width}rem`,
              height: `${box.height}rem`,
            }}
          >
            <StepBox step={step} />
          </div>
        ))}
      </div>
    </div>
  )
}

const sizeOf = (count: number, size: number, gap: number): number =>
  count * size + Math.max(0, count - 1) * gap

const Edges = (props: { readonly layout: Layout<StepView> }) => {
  const { columns, rows, edges } = props.layout
  const [width, height] = [sizeOf(columns, box.width, box.gapX), sizeOf(rows, box.height, box.gapY)]
  return (
    <svg
      className="step-edges"
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
      style={{ width: `${width}rem`, height: `${height}rem` }}
    >
      {edges.map(({ from, to }) => {
        const x1 = from.column * (box.width + box.gapX) + box.width
        const y1 = from.row * (box.height + box.gapY) + box.height / 2
        const x2 = to.column * (box.width + box.gapX)
        const y2 = to.row * (box.height + box.gapY) + box.height / 2
        const bend = box.gapX / 2
        return (
          <g key={`${from.step.name} ${to.step.name}`}>
            <path
              d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 0.3} ${y2}`}
              className="step-edge"
            />
            <path d={`M${x2 - 0.4} ${y2 - 0.25}L${x2} ${y2}L${x2 - 0.4} ${y2 + 0.25}z`} />
          </g>
        )
      })}
    </svg>
  )
}

const StepBox = (props: { readonly step: StepView }) => {
  const { step } = props
  const { tone, word } = jobStates[step.state]
  const inside = (
    <>
      <span className="step-box-name">
        <StateShape tone={tone} />
        <span className="clip">{step.name}</span>
      </span>
      <span className="muted small clip n">{lineOf(step, word)}</span>
    </>
  )
  return step.job === '' ? (
    <div className="step-box waiting">{inside}</div>
  ) : (
    <Link
      to="/jobs/$job"
      params={{ job: step.job }}
      className="step-box"
      title={`${step.name}: ${word}`}
    >
      {inside}
    </Link>
  )
}

/** `Completed · 4,000 items`, and while it runs `8,340 / 10,000 · 3 failed`: the shape tells the state. */
const lineOf = (step: StepView, word: string): string => {
  const { items, itemsSucceeded, itemsFailed } = step
  if (items === 0) return word
  const done = itemsSucceeded + itemsFailed
  const failed = itemsFailed === 0 ? '' : ` · ${formatCount(itemsFailed)} failed`
  if (done < items) return `${formatCount(done)} / ${formatCount(items)}${failed}`
  return failed === '' ? `${word} · ${formatPlural(items, 'item')}` : `${word}${failed}`
}
