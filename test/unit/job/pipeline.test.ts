import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCycle, needsOf } from '#agent/job/cut/cycle.ts'
import type { Steps } from '#agent/job/cut/cycle.ts'
import { nextSteps, pipelineState } from '#agent/job/pipeline.ts'
import type { EndState } from '#protocol/model/job.ts'
import type { RunOrder, StepProgress } from '#protocol/model/pipeline.ts'

const step = (name: string, needs: readonly string[] = []): Steps[number] => ({
  name,
  wires: needs.slice(0, 1).map((from) => ({ input: 'in', step: from })),
  after: needs.slice(1),
})
const open: StepProgress = { kind: 'open' }
const running: StepProgress = { kind: 'running', state: 'Running' }
const ended = (state: EndState, headline = ''): StepProgress => ({ kind: 'ended', state, headline })

const look = (
  steps: Steps,
  known: Readonly<Record<string, StepProgress>>,
  more: { continueOnStepFailure?: boolean; order?: RunOrder } = {},
) => {
  const { continueOnStepFailure = false, order = 'go' } = more
  const progressOf = (name: string): StepProgress => known[name] ?? open
  const { start, skip } = nextSteps({ steps, continueOnStepFailure }, progressOf, order)
  return { start, skip: skip.map((one) => one.step), why: skip.map(({ reason }) => reason) }
}

const diamond = [
  step('top'),
  step('left', ['top']),
  step('right', ['top']),
  step('end', ['left', 'right']),
]

describe('steps', () => {
  it('start when all they need has completed, side by side where they may', () => {
    expect(look(diamond, {}).start).toEqual(['top'])
    expect(look(diamond, { top: running }).start).toEqual([])
    expect(look(diamond, { top: ended('Completed') }).start).toEqual(['left', 'right'])
    const half = { top: ended('Completed'), left: ended('Completed'), right: running }
    expect(look(diamond, half)).toMatchObject({ start: [], skip: [] })
    expect(look(diamond, { ...half, right: ended('Completed') }).start).toEqual(['end'])
  })

  it('behind a failed one never start; others do if the run continues', () => {
    const steps = [...diamond, step('alone')]
    const known = { top: ended('Completed'), left: ended('Failed'), right: running }
    expect(look(steps, known)).toEqual({
      start: [],
      skip: ['end', 'alone'],
      why: [
        'It was not started, since step "left" failed.',
        'It was not started, since step "left" failed.',
      ],
    })
    const going = look(steps, known, { continueOnStepFailure: true })
    expect(going).toMatchObject({ start: ['alone'], skip: ['end'] })
  })

  it('are all skipped when the run is canceled', () => {
    expect(look(diamond, { top: running }, { order: 'cancel' }).skip).toEqual([
      'left',
      'right',
      'end',
    ])
  })

  it('that wait for each other are named as a circle', () => {
    expect(findCycle(diamond)).toBeUndefined()
    expect(findCycle([step('a', ['c']), step('b', ['a']), step('c', ['b'])])).toEqual([
      'a',
      'b',
      'c',
      'a',
    ])
    expect(findCycle([step('self', ['self'])])).toEqual(['self', 'self'])
  })
})

describe('the state of a run', () => {
  const stateOf = (known: Readonly<Record<string, StepProgress>>, order: RunOrder = 'go') =>
    pipelineState(diamond, (name) => known[name] ?? open, order)

  it.for([
    ['NotStarted', {}],
    ['Running', { top: running }],
    ['Queued', { top: { kind: 'running', state: 'Queued' } }],
    ['Preparing', { top: ended('Completed') }],
    ['Running', { top: ended('Failed', 'it broke.'), left: running }],
  ] as const)('is %s while not all is over', ([state, known]) => {
    expect(stateOf(known).state).toBe(state)
  })

  it('is that of its worst step at the end, with the first cause', () => {
    const all = (end: StepProgress) => ({ top: end, left: end, right: end, end })
    expect(stateOf(all(ended('Completed')))).toEqual({ state: 'Completed', headline: '' })
    expect(stateOf({ ...all(ended('Canceled')), left: ended('Failed', 'it broke.') })).toEqual({
      state: 'Failed',
      headline: 'Step "left" failed: it broke.',
    })
    expect(stateOf({ ...all(ended('Completed')), end: ended('Canceled') }).state).toBe('Canceled')
    expect(stateOf({ top: running }, 'cancel').state).toBe('CancelRequested')
  })

  it('is paused while nothing of it runs, and ends as it would have', () => {
    const paused: StepProgress = { kind: 'running', state: 'Paused' }
    expect(stateOf({ top: paused }, 'pause').state).toBe('Paused')
    expect(stateOf({ top: ended('Completed') }, 'pause').state).toBe('Paused')
    expect(stateOf({ top: running }, 'pause').state).toBe('Running')
    const all = { top: ended('Completed'), left: ended('Completed'), right: ended('Completed') }
    expect(stateOf({ ...all, end: ended('Completed') }, 'pause').state).toBe('Completed')
  })
})

/** Any graph without circles: a step needs only some of those before it, in shuffled order. */
const graphs = fc
  .array(fc.array(fc.nat(20), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .chain((needs) => {
    const steps = needs.map((list, i) =>
      step(`step-${i}`, i === 0 ? [] : [...new Set(list.map((n) => `step-${n % i}`))]),
    )
    return fc.shuffledSubarray(steps, { minLength: steps.length })
  })

it('every run comes to an end, each step after all it needs', () => {
  fc.assert(
    fc.property(graphs, fc.boolean(), fc.infiniteStream(fc.nat(9)), (steps, goOn, dice) => {
      expect(findCycle(steps)).toBeUndefined()
      const known: Record<string, StepProgress> = {}
      const progressOf = (name: string): StepProgress => known[name] ?? open
      for (let turn = 0; turn <= steps.length; turn++) {
        const run = { steps, continueOnStepFailure: goOn }
        const { start, skip } = nextSteps(run, progressOf, 'go')
        if (start.length + skip.length === 0) break
        for (const one of skip) known[one.step] = ended('Canceled', one.reason)
        for (const name of start) {
          const own = steps.find((each) => each.name === name)!
          for (const need of needsOf(own)) expect(known[need]).toEqual(ended('Completed'))
          expect(known[name]).toBeUndefined()
          known[name] = ended(dice.next().value === 0 ? 'Failed' : 'Completed')
        }
      }
      const states = steps.map(({ name }) => progressOf(name))
      expect(states.every(({ kind }) => kind === 'ended')).toBe(true)
      const { state } = pipelineState(steps, progressOf, 'go')
      const isFailed = states.some((one) => one.kind === 'ended' && one.state === 'Failed')
      expect(state).toBe(isFailed ? 'Failed' : 'Completed')
    }),
  )
})
