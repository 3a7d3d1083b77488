import { createBuilt } from './build.ts'
import type { AzurePath, Fields } from './file.ts'
import { isDeployment } from './flat.ts'
import type { AzureTranslation } from './translation.ts'

/** A file of Azure ML that describes no job which could be run here. */
interface Foreign {
  readonly at: AzurePath
  /** A sentence without its full stop. */
  readonly message: string
}

const taken =
  'of Azure ML, pipelines with parallel steps, parallel jobs, batch deployments and saved ParallelRunConfig files are taken'

const types = new Set(['command', 'sweep', 'spark', 'automl', 'import', 'pipeline', 'finetuning'])

/** What such a file is; undefined for every other, also for job files. */
const foreignOf = (value: Fields): Foreign | undefined => {
  const { $schema: schema, type } = value
  const [, kind = ''] = /azuremlschemas\S*\/(\w+)\.schema\.json/i.exec(String(schema)) ?? []
  if (type === 'parallel')
    return /component/i.test(kind) || value['version'] !== undefined
      ? {
          at: value['version'] === undefined ? ['$schema'] : ['version'],
          message:
            'This file is a component, which has no data of its own: name it in a step of a pipeline, as component: ./FILE',
        }
      : undefined
  if (/endpoint|online/i.test(kind))
    return { at: ['$schema'], message: `"$schema" is that of ${kind}, which is no job: ${taken}` }
  if (typeof type !== 'string' || value['jobs'] !== undefined || isDeployment(value))
    return undefined
  if (types.has(type) && value['steps'] === undefined)
    return { at: ['type'], message: `"type" is ${type}, which is not run here: ${taken}` }
  return undefined
}

export const isForeign = (value: Fields): boolean => foreignOf(value) !== undefined

/** Nothing but the sentence that says so. */
export const refuseForeign = (value: Fields): AzureTranslation | undefined => {
  const foreign = foreignOf(value)
  if (foreign === undefined) return undefined
  const { at, message } = foreign
  const built = createBuilt()
  return {
    fields: built.fields(),
    origin: built.origin,
    warnings: [],
    faults: [{ rank: 0, path: at, message }],
    awaited: [],
  }
}
