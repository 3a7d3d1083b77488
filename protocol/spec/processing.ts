import { z } from 'zod'
import { limits } from '../limits.ts'
import { defaultThreshold, tensorTypes } from '../model/processing.ts'
import { decimal, flag, looseText, text, whole, word } from './fields.ts'

/** What a person writes about the way into a declared model and out of it. */

export const defaultTopK = 5

const channelNumbers = 'a number, or a list of one number for each channel or column'
const numbers = (
  most: number,
  above?: number,
): z.ZodType<number | number[], number | string | (number | string)[]> => {
  const one = decimal(
    above === undefined ? 'a number' : `a number above ${above}`,
    above === undefined ? {} : { above },
  )
  return z.union(
    [one, z.array(one, channelNumbers).min(1, channelNumbers).max(most, channelNumbers)],
    channelNumbers,
  )
}

const side = whole('a whole number of pixels from 1 to 16384', { min: 1, max: 16_384 })
const inputName = () =>
  text("the name of one of the model's inputs", 1_024)
    .optional()
    .describe("Name of the model's input, if it has several")

export const allowedPreprocess =
  'a map with width and height for images, with shape for tensors, or with columns for tables'

const columnName = 'a list of the names of columns'
const columns = z
  .array(text(columnName, limits.columnNameLength), columnName)
  .min(1, columnName)
  .max(limits.tableColumns, columnName)
  .optional()
  .describe('Columns of the table in the order the model wants them. Default: all as they stand')
const missingNumber = decimal('a number')
  .optional()
  .describe('Stands for an empty cell. Default: a record with one is a failed item')

const columnsInput = z.strictObject(
  {
    input: inputName(),
    columns,
    dtype: word([...tensorTypes, 'string'])
      .optional()
      .describe('Type of the numbers. Default: float32'),
    mean: numbers(limits.tableColumns).optional().describe('Subtracted. Default: 0'),
    std: numbers(limits.tableColumns, 0).optional().describe('Divided by. Default: 1'),
    missing: missingNumber,
  },
  'a map with columns',
)

const shape = 'a list of whole numbers from 1, without the batch axis'
const axis = whole(shape, { min: 1, max: 2_147_483_647 })

export const preprocessSchema = z.strictObject(
  {
    decode: word(['image', 'tensor', 'columns'])
      .optional()
      .describe(
        'What the items are. Default: image; columns for tables, tensor where a shape stands',
      ),
    width: side.optional().describe("Width of the model's input, in pixels"),
    height: side.optional().describe("Height of the model's input, in pixels"),
    fit: word(['stretch', 'cover', 'contain'])
      .optional()
      .describe('How an image of another shape is fitted. Default: stretch'),
    channels: word(['gray', 'rgb', 'bgr'])
      .optional()
      .describe('Colours and their order. Default: rgb'),
    layout: word(['NCHW', 'NHWC']).optional().describe('Order of the axes. Default: NCHW'),
    shape: z
      .array(axis, shape)
      .max(16, shape)
      .optional()
      .describe('Shape of one tensor in a file, without the batch axis'),
    dtype: word([...tensorTypes, 'string'])
      .optional()
      .describe('Type of the numbers; images: float32 or uint8. Default: float32'),
    scale: decimal('a number')
      .optional()
      .describe('Each byte or number is multiplied by it first. Default: 1'),
    mean: numbers(limits.tableColumns).optional().describe('Subtracted after scaling. Default: 0'),
    std: numbers(limits.tableColumns, 0).optional().describe('Divided by at last. Default: 1'),
    input: inputName(),
    columns,
    missing: missingNumber,
    inputs: z
      .array(columnsInput, 'a list of maps with input and columns')
      .min(1, 'a list of maps with input and columns')
      .max(limits.modelValues, 'a list of maps with input and columns')
      .optional()
      .describe('For tables and a model with several inputs: the columns of each'),
  },
  allowedPreprocess,
)

const labels = 'a list of names, or the path of a text file with one name a line'

const onePostprocess = z.strictObject(
  {
    kind: word(['argmax', 'softmax', 'top-k', 'threshold', 'embedding', 'raw']).describe(
      'How the output becomes a row',
    ),
    softmax: flag().optional().describe('Turn scores into probabilities. Default: false'),
    k: whole('a whole number from 1 to 1000', { min: 1, max: 1_000 })
      .optional()
      .describe(`Classes a row, for top-k. Default: ${defaultTopK}`),
    threshold: decimal('a number')
      .optional()
      .describe(
        `Least score of a class that is reported, for threshold. Default: ${defaultThreshold}`,
      ),
    sigmoid: flag()
      .optional()
      .describe(
        'Turn each number into a score from 0 to 1 by itself, for threshold. Default: false',
      ),
    normalize: flag().optional().describe('Scale to length 1, for embedding. Default: false'),
    labels: z
      .union(
        [
          text(labels, limits.itemNameBytes),
          z
            .array(looseText('a name of at most 1024 characters', 1_024), 'a list of names')
            .max(100_000, 'a list of at most 100000 names'),
        ],
        labels,
      )
      .optional()
      .describe('Names of the classes in order: a list, or a text file with one name a line'),
    output: text("the name of one of the model's outputs", 1_024)
      .optional()
      .describe("Name of the model's output, if it has several"),
  },
  'a map with at least kind',
)

const outputs = 'a map with at least kind, or a list of such maps, one for each output'

export const postprocessSchema = z.union(
  [
    onePostprocess,
    z.array(onePostprocess, outputs).min(1, outputs).max(limits.modelValues, outputs),
  ],
  outputs,
)

export type PreprocessFields = z.output<typeof preprocessSchema>
export type PostprocessFields = z.output<typeof onePostprocess>
