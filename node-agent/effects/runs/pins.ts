import type { JobFile, StepFile, WantedModel, WantedNamedModel } from '#agent/ports/job-file.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { ModelReference, NamedModel } from '#protocol/model/model.ts'
import type { PipelineRun } from '#protocol/model/pipeline.ts'
import type { Recorded } from '../submit/submit.ts'

/** What an earlier run of a step pins: its script's bundle, the version of its model. */
export interface Pinned extends Recorded {
  readonly model?: NonNullable<JobSpec['model']>
  /** In the order of the file; undefined is found anew. */
  readonly models?: readonly (NamedModel | undefined)[]
}

/** A run that is submitted anew. */
export interface Again {
  readonly run: PipelineRun
  /** Its steps as the file says them without the changes; empty if it can no longer be read so. */
  readonly before: readonly StepFile[]
  /** Names of the fields that are set now. */
  readonly changed: readonly string[]
}

/**
 * What stays of a step unless just that was changed: by name, or in effect, since a parameter, an input of
 * the whole file or a name of another dialect may stand for a script or a model.
 */
export const pinsOf = ({ run, before, changed }: Again, step: StepFile): Pinned => {
  const spec = run.steps.find(({ name }) => name === step.name)?.spec
  if (spec === undefined) return {}
  const was = before.find(({ name }) => name === step.name)?.job
  const isNamed = (field: string): boolean =>
    changed.some((name) => name === field || name.endsWith(`.${step.name}.${field}`))
  const isSame = (now: unknown, then: unknown): boolean =>
    was === undefined || JSON.stringify(now) === JSON.stringify(then)
  const keepsScript =
    !['entry_script', 'source_directory', 'runtime'].some(isNamed) &&
    isSame(step.job.script, was?.script)
  const keepsModel =
    spec.model !== undefined &&
    step.job.model !== undefined &&
    !isNamed('model') &&
    isSame(step.job.model, was?.model)
  const models = spec.runtime === 'node' && !isNamed('models') ? (spec.models ?? []) : []
  return {
    sideInputs: spec.sideInputs,
    ...(spec.runtime === 'node' && keepsScript ? { script: spec.script } : {}),
    ...(keepsModel && spec.model !== undefined ? { model: spec.model } : {}),
    models: models.map((one, at) =>
      isNamed(`models.${one.alias}`) || !isSame(step.job.models?.[at], was?.models?.[at])
        ? undefined
        : one,
    ),
  }
}

/** A file that asks for the very versions that are pinned. */
export const withModels = (
  { models, ...file }: JobFile,
  main: Pinned['model'],
  pinned: Pinned['models'] = [],
): JobFile => ({
  ...file,
  ...(main === undefined ? {} : { model: asWanted(main) }),
  ...(models === undefined
    ? {}
    : {
        models: models.map((one, at) => {
          const alias = aliasOf(one, pinned[at])
          const before = pinned.find((other) => other !== undefined && other.alias === alias)
          return before === undefined ? one : { alias: before.alias, wanted: asWanted(before) }
        }),
      }),
})

const asWanted = ({ name, version }: ModelReference): WantedModel => ({
  kind: 'registered',
  name,
  version,
})

/** A model in a list has its own name, which that of a file tells only once it is registered. */
const aliasOf = (
  { alias, wanted }: WantedNamedModel,
  before: NamedModel | undefined,
): string | undefined => alias ?? (wanted.kind === 'registered' ? wanted.name : before?.alias)
