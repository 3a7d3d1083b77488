import type { RowView } from '../../../../protocol/control/job-views.ts'

/** Which fields of a job's rows are the class and its score; undefined where rows have none. */
export interface AnswerFields {
  /** Empty: the value itself is the class. */
  readonly classKey: string | undefined
  readonly scoreKey: string | undefined
}

const classNames = ['prediction', 'predicted', 'class', 'label', 'category']
const scoreNames = ['score', 'probability', 'confidence']
/** A field with more different values among the first rows names items rather than classes. */
const classesMost = 50

/** Told from the first rows: a field with a telling name, else the first with few different values. */
export const answerFields = (rows: readonly RowView[]): AnswerFields => {
  const values = rows.flatMap(({ value, failure }) => (failure === '' ? [value] : []))
  const records = values.filter((value) => isRecord(value))
  if (records.length < values.length || values.length === 0) {
    const isPlain = values.length > 0 && values.every((value) => isClass(value))
    return { classKey: isPlain ? '' : undefined, scoreKey: undefined }
  }
  const keys = Object.keys(records[0] ?? {})
  const find = (names: readonly string[]): string | undefined =>
    names.flatMap((name) => keys.find((key) => key.toLowerCase() === name) ?? [])[0]
  return {
    classKey: find(classNames) ?? keys.find((key) => hasFewValues(records, key)),
    scoreKey: find(scoreNames),
  }
}

const hasFewValues = (records: readonly Readonly<Record<string, unknown>>[], key: string) => {
  const values = records.map((record) => record[key])
  const different = new Set(values).size
  return (
    values.every((value) => isClass(value)) &&
    different <= classesMost &&
    (different < values.length || values.length === 1)
  )
}

const isClass = (value: unknown): boolean => typeof value === 'string' || Number.isInteger(value)

export const classOf = ({ classKey }: AnswerFields, value: unknown): string => {
  if (classKey === undefined) return ''
  const told = classKey === '' ? value : isRecord(value) ? value[classKey] : undefined
  return typeof told === 'string' || typeof told === 'number' ? String(told) : ''
}

/** `0.998`; empty where there is none. */
export const scoreOf = ({ scoreKey }: AnswerFields, value: unknown): string => {
  const told = scoreKey !== undefined && isRecord(value) ? value[scoreKey] : undefined
  return typeof told === 'number' ? told.toFixed(3) : ''
}

/** Classes to choose from: those of the configuration and those among the rows, in their natural order. */
export const classesOf = (
  fields: AnswerFields,
  rows: readonly RowView[],
  spec: Readonly<Record<string, unknown>> | undefined,
): readonly string[] => {
  const postprocess = spec?.['postprocess']
  const labels = isRecord(postprocess) ? postprocess['labels'] : undefined
  const named = Array.isArray(labels) ? labels.map(String) : []
  const seen = rows.map(({ value }) => classOf(fields, value)).filter((name) => name !== '')
  return [...new Set([...named, ...seen])].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  )
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
