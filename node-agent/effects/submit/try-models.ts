import type { JobFile, WantedNamedModel } from '#agent/ports/job-file.ts'
import type { ModelRuntime } from '#agent/ports/runtime.ts'
import type { Views } from '#agent/ports/views.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Job, NodeJobSpec } from '#protocol/model/job.ts'
import type { ModelReference } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { findNamedModels } from './named-models.ts'

/** Models of a dry run: nothing is registered, and files are run where they lie. */
export interface TryModelsDeps {
  readonly runtime: ModelRuntime
  readonly views: Views
  readonly baseName: (path: string) => string
}

interface FoundModel {
  readonly reference?: ModelReference
  /** Present if the model is a file that was never registered. */
  readonly path?: string
  readonly facts?: Parameters<ModelRuntime['checkFit']>[1]
}

/** A registered model, or a file as it lies here: trying it registers nothing. */
export const findModel = async (
  { runtime, views, baseName }: TryModelsDeps,
  wanted: JobFile['model'],
): Promise<Result<FoundModel, MusterError>> => {
  if (wanted === undefined) return ok({})
  if (wanted.kind === 'path') {
    const inspected = await runtime.inspect(wanted.path)
    if (!inspected.ok) return inspected
    const { facts, path } = inspected.value
    const name = baseName(path).replace(/\.onnx$/, '')
    return ok({ reference: { name, version: 1, files: [] }, path, facts })
  }
  const model = await views.model(wanted.name, wanted.version)
  if (model === undefined)
    return err(
      musterError(
        'ModelUnknown',
        `No model "${wanted.name}" is registered; \`muster model list\` shows those that are.`,
      ),
    )
  const { name, version, files, facts } = model
  return ok({ reference: { name, version, files }, facts })
}

/** Those that a script asks for by name, and the paths of those that were never registered. */
export const findTriedModels = async (
  deps: TryModelsDeps,
  wanted: readonly WantedNamedModel[],
  main: ModelReference | undefined,
): Promise<
  Result<
    {
      readonly spec: Pick<NodeJobSpec, 'models'>
      readonly paths: Readonly<Record<string, string>>
    },
    MusterError
  >
> => {
  const lying: (string | undefined)[] = []
  const named = await findNamedModels(wanted, main, async (one) => {
    const found = await findModel(deps, one)
    if (!found.ok) return found
    const { reference, path } = found.value
    if (reference === undefined) throw new Error('a model that was wanted has no name')
    lying.push(path)
    return ok(reference)
  })
  if (!named.ok) return named
  const paths = (named.value.models ?? []).flatMap(({ alias }, at): [string, string][] => {
    const path = lying[at]
    return path === undefined ? [] : [[alias, path]]
  })
  return ok({ spec: named.value, paths: Object.fromEntries(paths) })
}

/** The job without those models that are not to be laid out. */
export const withoutModels = (job: Job, lying: Readonly<Record<string, string>>): Job => {
  if (job.spec.runtime !== 'node' || job.spec.models === undefined) return job
  const models = job.spec.models.filter(({ alias }) => !Object.hasOwn(lying, alias))
  return { ...job, spec: { ...job.spec, models } }
}
