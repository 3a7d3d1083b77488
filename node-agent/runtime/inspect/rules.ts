import { TensorProto_DataLocation } from 'onnx-buf'
import type { NodeProto, TensorProto } from 'onnx-buf'
import { limits } from '#protocol/limits.ts'
import { modelFault } from './fault.ts'
import type { ModelSkeleton } from './skeleton.ts'
import { walkModel } from './walk.ts'

/** Domains whose operators are part of every ONNX Runtime. All others need native code of somebody. */
const knownDomains: ReadonlySet<string> = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview.training',
  'com.microsoft',
])

/** Operators of a known domain that load files of their own. */
const refusedOperators: ReadonlySet<string> = new Set(['com.microsoft:EPContext'])

/**
 * Checks a model's operators and gives the names of its external data files, in order of appearance.
 * The names are judged as text here; `files.ts` then looks at the folder. @throws ModelFault
 */
export const applyRules = (skeleton: ModelSkeleton): readonly string[] => {
  const own = new Set(skeleton.model.functions.map((body) => `${body.domain}:${body.name}`))
  const files = new Set<string>()
  walkModel(skeleton, {
    node: (node) => checkOperator(node, own),
    tensor: (tensor) => {
      if (isExternal(tensor)) files.add(externalName(tensor))
      if (files.size > limits.modelFiles) {
        throw modelFault('ModelRefused', `it names more than ${limits.modelFiles} external files`)
      }
    },
    sparse: (tensor) => {
      if (!isExternal(tensor)) return
      throw modelFault(
        'ModelRefused',
        `its sparse tensor "${tensor.name}" keeps data in another file`,
      )
    },
  })
  return [...files]
}

const checkOperator = (node: NodeProto, own: ReadonlySet<string>): void => {
  const name = `${node.domain}:${node.opType}`
  if (refusedOperators.has(name)) {
    throw modelFault(
      'ModelRefused',
      `its operator "${node.opType}" loads compiled files of its own`,
    )
  }
  if (knownDomains.has(node.domain) || own.has(name)) return
  throw modelFault(
    'ModelRefused',
    `it uses the custom operator "${node.opType}" of "${node.domain}", which needs native code that Muster does not load`,
  )
}

const isExternal = (tensor: TensorProto): boolean =>
  tensor.dataLocation === TensorProto_DataLocation.EXTERNAL || tensor.externalData.length > 0

/** Characters that no file of a model needs and some system gives a meaning, also ONNX Runtime's own tags. */
const oddCharacters = /[\\:*?"<>|\p{Cc}]/u

const externalName = (tensor: TensorProto): string => {
  const locations = tensor.externalData.filter((entry) => entry.key === 'location')
  const [location] = locations
  if (location === undefined || locations.length > 1 || location.value === '') {
    throw modelFault(
      'ModelRefused',
      `its tensor "${tensor.name}" does not say which file its data is in`,
    )
  }
  const parts = location.value.split('/')
  const leaves =
    parts.some((part) => part === '' || part === '..') || oddCharacters.test(location.value)
  if (leaves) {
    throw modelFault(
      'ModelRefused',
      `its tensor "${tensor.name}" wants data from "${location.value}", which is not a file below the model's folder`,
    )
  }
  return parts.filter((part) => part !== '.').join('/')
}
