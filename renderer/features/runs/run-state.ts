import type { PipelineView } from '../../../protocol/control/pipeline-views.ts'

export const stepsDone = ({ steps }: PipelineView): number =>
  steps.filter(({ state }) => state === 'Completed').length

/** From submission to end, or until now, milliseconds. */
export const runMs = (run: Pick<PipelineView, 'submittedAt' | 'endedAt'>, now: number): number =>
  Math.max(0, (run.endedAt ?? now) - run.submittedAt)

/** `size 10 · season autumn`; what is a file or folder is told by its last name. */
export const parametersText = (parameters: PipelineView['parameters']): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name} ${String(value).split(/[/\\]/).at(-1)}`)
    .join(' · ')
