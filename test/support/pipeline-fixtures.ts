import { asPipelineId, asScheduleId } from '#protocol/model/ids.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { PipelineRun, PipelineStep, Schedule } from '#protocol/model/pipeline.ts'
import { jobNumbered, jobOf } from './ledger-fixtures.ts'

export const pipelineNumbered = (n: number) => asPipelineId(`p${jobNumbered(n).slice(1)}`)
export const scheduleNumbered = (n: number) => asScheduleId(`s${jobNumbered(n).slice(1)}`)

const source = { text: 'name: nightly', file: '/jobs/nightly.yaml', overrides: {} }

/** A step of a run, wired as `needs` says. */
export const makeStep = (
  submitter: PeerId,
  name: string,
  needs: readonly string[] = [],
): PipelineStep => ({
  name,
  spec: { ...jobOf(jobNumbered(0), submitter).spec, name },
  wires: [],
  after: needs,
  output: 'output',
  allowReuse: true,
})

export const makeRun = (
  submitter: PeerId,
  more: Partial<PipelineRun> & { readonly number?: number } = {},
): PipelineRun => {
  const { number = 0, ...fields } = more
  return {
    id: pipelineNumbered(number),
    name: 'nightly',
    experiment: 'shelves',
    description: '',
    tags: {},
    parameters: { size: 10 },
    continueOnStepFailure: false,
    regenerateOutputs: false,
    steps: [makeStep(submitter, 'find'), makeStep(submitter, 'sort', ['find'])],
    source,
    origin: { kind: 'submitted' },
    submitter,
    submittedAt: 1,
    ...fields,
  }
}

export const makeSchedule = (
  submitter: PeerId,
  more: Partial<Schedule> & { readonly number?: number } = {},
): Schedule => {
  const { number = 0, ...fields } = more
  return {
    id: scheduleNumbered(number),
    name: 'nightly',
    trigger: { kind: 'cron', expression: '0 6 * * *' },
    overlap: false,
    parameters: {},
    source,
    submitter,
    setAt: 1,
    ...fields,
  }
}
