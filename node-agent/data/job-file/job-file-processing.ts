import { readFileSync, statSync } from 'node:fs'
import { limits } from '#protocol/limits.ts'
import type {
  ColumnsInput,
  ColumnsPreprocess,
  ImagePreprocess,
  Postprocess,
  Preprocess,
  TensorPreprocess,
} from '#protocol/model/processing.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { JobFileFields } from '#protocol/spec/job-file.ts'
import { allowedPreprocess, defaultTopK } from '#protocol/spec/processing.ts'
import type { PostprocessFields, PreprocessFields } from '#protocol/spec/processing.ts'
import { fault } from './job-file-part.ts'
import type { Part, ResolvePath } from './job-file-part.ts'
import type { FieldPath } from './job-file-text.ts'

type Decode = Preprocess['decode']

/** Fields of `preprocess` that mean something for each kind of item, besides `decode` and `input`. */
const fieldsOf: Readonly<Record<Decode, readonly string[]>> = {
  image: ['width', 'height', 'fit', 'channels', 'layout', 'dtype', 'scale', 'mean', 'std'],
  tensor: ['shape', 'dtype', 'scale', 'mean', 'std'],
  columns: ['columns', 'dtype', 'mean', 'std', 'missing', 'inputs'],
}

/** How items become what the model takes; tables need not say anything. */
export const preprocessOf = (fields: JobFileFields, kind: JobInput['kind']): Part<Preprocess> => {
  const given = fields.preprocess
  if (given === undefined)
    return kind === 'table'
      ? ok({ decode: 'columns', inputs: [columnsInput({})] })
      : err({
          rank: 2,
          path: ['preprocess'],
          message: `"preprocess" is missing: it must be ${allowedPreprocess}`,
        })
  const decode = given.decode ?? usualDecode(given, kind)
  if ((decode === 'columns') !== (kind === 'table'))
    return fault(
      ['preprocess', 'decode'],
      kind === 'table'
        ? `"preprocess.decode" is "${decode}", but the inputs are tables, which are decoded as columns`
        : '"preprocess.decode" is "columns", but the inputs are files: say `type: table` for an input whose records are the items',
    )
  const strange = Object.keys(given).find(
    (field) => !['decode', 'input'].includes(field) && !fieldsOf[decode].includes(field),
  )
  if (strange !== undefined)
    return fault(
      ['preprocess', strange],
      `"preprocess.${strange}" means nothing for items decoded as ${decode}: it can have ${fieldsOf[decode].join(', ')}`,
    )
  if (decode === 'image') return imageOf(given)
  return decode === 'tensor' ? tensorOf(given) : columnsOf(given)
}

const usualDecode = (given: PreprocessFields, kind: JobInput['kind']): Decode => {
  if (kind === 'table') return 'columns'
  return given.shape === undefined ? 'image' : 'tensor'
}

const named = (input: string | undefined): { readonly input?: string } =>
  input === undefined ? {} : { input }

const imageOf = (given: PreprocessFields): Part<ImagePreprocess> => {
  const { width, height, dtype = 'float32', channels = 'rgb' } = given
  if (width === undefined || height === undefined) {
    const field = width === undefined ? 'width' : 'height'
    return err({
      rank: 2,
      path: ['preprocess'],
      message: `"preprocess.${field}" is missing: it must be a whole number of pixels from 1 to 16384`,
    })
  }
  if (dtype !== 'float32' && dtype !== 'uint8')
    return fault(
      ['preprocess', 'dtype'],
      `"preprocess.dtype" is "${dtype}", but images become float32 or uint8`,
    )
  const count = channels === 'gray' ? 1 : 3
  const mean = perChannel(given.mean ?? 0, { count, channels, field: 'mean' })
  const std = perChannel(given.std ?? 1, { count, channels, field: 'std' })
  if (!mean.ok) return mean
  if (!std.ok) return std
  return ok({
    decode: 'image',
    width,
    height,
    fit: given.fit ?? 'stretch',
    channels,
    layout: given.layout ?? 'NCHW',
    dtype,
    scale: given.scale ?? 1,
    mean: mean.value,
    std: std.value,
    ...named(given.input),
  })
}

/** One number for every channel. */
const perChannel = (
  given: number | readonly number[],
  wish: { readonly count: number; readonly channels: string; readonly field: string },
): Part<readonly number[]> => {
  const { count, channels, field } = wish
  const list = typeof given === 'number' ? [given] : given
  if (list.length === count) return ok(list)
  if (list.length === 1) return ok(Array.from({ length: count }, () => list[0] ?? 0))
  return fault(
    ['preprocess', field],
    `"preprocess.${field}" has ${list.length} numbers, but the channels "${channels}" need ${count}`,
  )
}

const tensorOf = (given: PreprocessFields): Part<TensorPreprocess> => {
  const { shape, dtype = 'float32', mean = 0, std = 1 } = given
  if (shape === undefined)
    return err({
      rank: 2,
      path: ['preprocess'],
      message:
        '"preprocess.shape" is missing: it must be a list of whole numbers from 1, without the batch axis',
    })
  if (dtype === 'string')
    return fault(
      ['preprocess', 'dtype'],
      '"preprocess.dtype" is "string", but tensors hold numbers',
    )
  if (typeof mean !== 'number' || typeof std !== 'number') {
    const field = typeof mean === 'number' ? 'std' : 'mean'
    return fault(
      ['preprocess', field],
      `"preprocess.${field}" is a list, but tensors take one number for all`,
    )
  }
  const scale = given.scale ?? 1
  return ok({ decode: 'tensor', shape, dtype, scale, mean, std, ...named(given.input) })
}

type ColumnsFields = NonNullable<PreprocessFields['inputs']>[number]

const columnsInput = (given: ColumnsFields): ColumnsInput => ({
  ...named(given.input),
  columns: given.columns ?? [],
  dtype: given.dtype ?? 'float32',
  mean: asList(given.mean ?? 0),
  std: asList(given.std ?? 1),
  ...(given.missing === undefined ? {} : { missing: given.missing }),
})

const asList = (given: number | readonly number[]): readonly number[] =>
  typeof given === 'number' ? [given] : given

const columnsOf = (given: PreprocessFields): Part<ColumnsPreprocess> => {
  const { inputs } = given
  const beside = ['input', 'columns', 'dtype', 'mean', 'std', 'missing'].find(
    (field) => field in given,
  )
  if (inputs !== undefined && beside !== undefined)
    return fault(
      ['preprocess', beside],
      `"preprocess.${beside}" stands beside "preprocess.inputs": say it for each input there`,
    )
  const list = inputs ?? [columnFields(given)]
  for (const [index, one] of list.entries()) {
    const at = inputs === undefined ? ['preprocess'] : ['preprocess', 'inputs', index]
    const problem = countProblem(one, at)
    if (problem !== undefined) return problem
  }
  return ok({ decode: 'columns', inputs: list.map(columnsInput) })
}

const columnFields = ({ input, columns, dtype, mean, std, missing }: PreprocessFields) => ({
  input,
  columns,
  dtype,
  mean,
  std,
  missing,
})

/** A number for each column needs columns by name. */
const countProblem = (given: ColumnsFields, at: FieldPath): Part<never> | undefined => {
  for (const field of ['mean', 'std'] as const) {
    const numbers = given[field]
    const count = given.columns?.length
    if (typeof numbers !== 'object' || numbers.length === 1 || numbers.length === count) continue
    const words = count === undefined ? '"columns" are not named' : `there are ${count} columns`
    return fault([...at, field], `"${field}" has ${numbers.length} numbers, but ${words}`)
  }
  return undefined
}

/** What becomes of each output of the model that is wanted; raw numbers of its only one by default. */
export const postprocessOf = (
  fields: JobFileFields,
  resolvePath: ResolvePath,
): Part<readonly Postprocess[]> => {
  const given = fields.postprocess ?? { kind: 'raw' as const }
  const list = Array.isArray(given) ? given : [given]
  const done: Postprocess[] = []
  for (const [index, one] of list.entries()) {
    const at = Array.isArray(given) ? ['postprocess', index] : ['postprocess']
    if (list.length > 1 && one.output === undefined)
      return fault(at, `"output" is missing: with several outputs, each must be named`)
    if (done.some((other) => other.output === one.output))
      return fault([...at, 'output'], `the output "${one.output}" stands twice`)
    const part = onePostprocess(one, at, resolvePath)
    if (!part.ok) return part
    done.push(part.value)
  }
  return ok(done)
}

const onePostprocess = (
  given: PostprocessFields,
  at: FieldPath,
  resolvePath: ResolvePath,
): Part<Postprocess> => {
  const labels =
    typeof given.labels === 'string'
      ? labelsFile(given.labels, [...at, 'labels'], resolvePath)
      : ok(given.labels ?? [])
  if (!labels.ok) return labels
  return ok({
    kind: given.kind,
    softmax: given.softmax ?? false,
    k: given.k ?? defaultTopK,
    labels: labels.value,
    ...(given.output === undefined ? {} : { output: given.output }),
    ...(given.threshold === undefined ? {} : { threshold: given.threshold }),
    ...(given.sigmoid === undefined ? {} : { sigmoid: given.sigmoid }),
    ...(given.normalize === undefined ? {} : { normalize: given.normalize }),
  })
}

/** One name a line; empty lines at the end count for nothing. */
const labelsFile = (
  path: string,
  at: FieldPath,
  resolvePath: ResolvePath,
): Part<readonly string[]> => {
  const whole = resolvePath(path, at)
  if (!whole.ok) return whole
  const text = readSmallFile(whole.value)
  if (text === undefined)
    return fault(
      at,
      `"postprocess.labels" names the file ${whole.value}, which is missing, unreadable or larger than ` +
        `${limits.jobFileBytes} bytes`,
    )
  const names = text
    .replace(/^\ufeff/, '')
    .trimEnd()
    .split('\n')
    .map((line) => line.trim())
  if (names.length > 100_000 || names.some((name) => name.length > 1_024))
    return fault(
      at,
      `${whole.value} must hold at most 100000 names of at most 1024 characters each`,
    )
  return ok(names.length === 1 && names[0] === '' ? [] : names)
}

const readSmallFile = (path: string): string | undefined => {
  try {
    const facts = statSync(path)
    if (!facts.isFile() || facts.size > limits.jobFileBytes) return undefined
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
