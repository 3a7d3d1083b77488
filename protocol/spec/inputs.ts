import { z } from 'zod'
import { limits } from '../limits.ts'
import { inputModes } from '../model/input.ts'
import type { TableFormat } from '../model/input.ts'
import { flag, text, whole, word } from './fields.ts'

/** What a person writes about inputs, side inputs, and how inputs are split. */

const path = 'a path of 1 to 4096 characters'
export const shareNamePattern = /^[A-Za-z0-9][A-Za-z0-9_-]*$/
const shareName = 'the name of a share: letters, digits, _ and -'
const dataName = 'a name of 1 to 64 characters'
const glob = "a glob below the path, such as '*.png' or '**/*.jpg', with / between folders"
const partitionFormat = "a path with fields in braces, such as '{user}/{season}/{file}.wav'"
const delimiter =
  "one ASCII character, such as ',' or '\\t', and neither a quotation mark nor a line end"

const pattern = text(glob, limits.itemNameBytes)
  .regex(/^!?[^/\\]/, glob)
  .regex(/^[^\\]*$/, glob)
  .regex(/^(?!(?:.*\/)?\.\.(?:\/|$))/, glob)

/** Words for formats: the first is ours, the others mean the same. */
const formatWords = {
  delimited: 'delimited',
  csv: 'delimited',
  tsv: 'delimited',
  'json-lines': 'json-lines',
  jsonl: 'json-lines',
  parquet: 'parquet',
} as const satisfies Readonly<Record<string, TableFormat>>

export type FormatWord = keyof typeof formatWords
export const tableFormat = (written: FormatWord): TableFormat => formatWords[written]

const place = z.strictObject({
  path: text(path, limits.itemNameBytes)
    .optional()
    .describe(
      "Folder with the files, or a table's single file: relative to the job file's folder, or below the share or datastore if one is named",
    ),
  dataset: text(dataName, limits.memberNameLength)
    .optional()
    .describe('Name of a registered dataset, in place of a path'),
  version: whole('a whole number from 1', { min: 1, max: 2_147_483_647 })
    .optional()
    .describe('Version of the dataset. Default: the newest'),
  datastore: text(dataName, limits.memberNameLength)
    .optional()
    .describe('Name of the datastore that holds the path; default is the one in your own home'),
  share: text(shareName, limits.memberNameLength)
    .regex(shareNamePattern, shareName)
    .optional()
    .describe(
      'Name of the share that holds the folder: machines that map it open the files in place',
    ),
  pattern: pattern.optional().describe(`Which files: ${glob}. Default: all of them`),
  patterns: z
    .array(pattern, `a list of globs`)
    .min(1, 'a list of at least one glob')
    .max(1_024, 'a list of at most 1024 globs')
    .optional()
    .describe('Several globs; one that starts with ! takes files away'),
  mode: word(inputModes)
    .optional()
    .describe(
      'mount: fetched as it is needed, or opened in place; download: all of it is there before the first mini-batch; direct: the script opens the files itself, in place. Default: mount',
    ),
  type: word(['files', 'table'])
    .optional()
    .describe(
      'Whether each file is an item, or each record of it. Default: files, or table where a format stands',
    ),
  format: word(['delimited', 'csv', 'tsv', 'json-lines', 'jsonl', 'parquet'])
    .optional()
    .describe('How records are written. Default: by the ending of the path or pattern'),
  delimiter: text(delimiter, 2)
    .regex(/^(?:[\t\x20-\x21\x23-\x7e]|\\t)$/, delimiter)
    .optional()
    .describe('What stands between the fields of a record. Default: a comma, a tab for tsv'),
  header: flag()
    .optional()
    .describe('Whether the first record of each file names its columns. Default: true'),
  partition_format: text(partitionFormat, limits.itemNameBytes)
    .regex(/^[^\\]*\{[^\\]*$/, partitionFormat)
    .optional()
    .describe(
      `Fields that partition_keys may name, taken from the files' paths: ${partitionFormat}`,
    ),
})

export const inputSchema = z.union(
  [text(path, limits.itemNameBytes), place],
  "a folder's path, or a map with path and pattern",
)

/** An input as written. */
export type InputFields = z.output<typeof inputSchema>
export type PlaceFields = z.output<typeof place>

const inputName = text('a name of at most 64 characters', limits.memberNameLength)
export const inputsSchema = z.record(inputName, inputSchema, 'a map from names to paths')

const keyList = `a list of 1 to ${limits.partitionKeys} names`
export const partitionKeysSchema = z
  .array(text('a name of at most 1024 characters', limits.columnNameLength), keyList)
  .min(1, keyList)
  .max(limits.partitionKeys, keyList)

/** What `mini_batch_size` may be for either kind of input; the words stand in errors. */
export const allowedItems = `a whole number of files from 1 to ${limits.miniBatchItems}`
export const allowedBytes = 'a size from 1 to 1GB, such as 1024, 100KB or 10MB, or auto'
export const allowedSize = `${allowedItems}, a size of tables such as 10MB, or auto`

export const miniBatchSizeSchema = z.union(
  [
    z.literal('auto'),
    whole(allowedSize, { min: 1, max: limits.tableBatchBytes }),
    z.string(allowedSize).regex(/^\s*\d+\s*[kKmMgG][bB]\s*$/, allowedSize),
  ],
  allowedSize,
)
