import type { WantedModel, WantedNamedModel } from '#agent/ports/job-file.ts'
import { musterError } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import type { ModelReference, NamedModel } from '#protocol/model/model.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** The models of a script by the names it asks for; two of one name are refused. `main` needs no name. */
export const findNamedModels = async (
  wanted: readonly WantedNamedModel[],
  main: ModelReference | undefined,
  find: (wanted: WantedModel) => Promise<Result<ModelReference, MusterError>>,
): Promise<Result<Pick<NodeJobSpec, 'models'>, MusterError>> => {
  const models: NamedModel[] = []
  const names = new Set(main === undefined ? [] : [main.name])
  for (const { alias, wanted: one } of wanted) {
    const found = await find(one)
    if (!found.ok) return found
    const name = alias ?? found.value.name
    if (names.has(name)) return err(sameName(name))
    names.add(name)
    models.push({ ...toReference(found.value), alias: name })
  }
  return ok(models.length === 0 ? {} : { models })
}

/** What a job's record keeps of a model. */
export const toReference = ({ name, version, files }: ModelReference): ModelReference => ({
  name,
  version,
  files,
})

const sameName = (name: string): MusterError =>
  musterError(
    'JobFileInvalid',
    `Two models of the job are called "${name}": write "models" as a map, and give each a name of its own.`,
  )
