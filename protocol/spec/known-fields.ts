import { z } from 'zod'
import { jobFileSchema } from './job-file.ts'

/** What may stand below a place of a job file. */
export type FieldsThere =
  /** A map with these fields. */
  | { readonly kind: 'fields'; readonly names: readonly string[] }
  /** A map whose names the person chooses. */
  | { readonly kind: 'any' }
  /** A value. */
  | { readonly kind: 'value' }

/** Looks a place up in the schema; undefined if there is no such field. List indices count as names. */
export const fieldsAt = (
  path: readonly (string | number)[],
  schema: z.core.$ZodType = jobFileSchema,
): FieldsThere | undefined => {
  let here: readonly z.core.$ZodType[] = alternatives(schema)
  for (const name of path) {
    here = here.flatMap((schema) => below(schema, name)).flatMap(alternatives)
    if (here.length === 0) return undefined
  }
  if (here.some((schema) => schema instanceof z.ZodRecord)) return { kind: 'any' }
  const maps = here.filter((schema) => schema instanceof z.ZodObject)
  if (maps.length === 0) return { kind: 'value' }
  return { kind: 'fields', names: [...new Set(maps.flatMap((map) => Object.keys(map.shape)))] }
}

/** The schema without its wrappings; each choice of a union by itself. */
const alternatives = (schema: z.core.$ZodType): readonly z.core.$ZodType[] => {
  if (schema instanceof z.ZodOptional) return alternatives(schema.unwrap())
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(alternatives)
  return [schema]
}

const below = (schema: z.core.$ZodType, name: string | number): readonly z.core.$ZodType[] => {
  if (schema instanceof z.ZodRecord) return [schema.valueType]
  if (schema instanceof z.ZodArray) return typeof name === 'number' ? [schema.element] : []
  if (!(schema instanceof z.ZodObject)) return []
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape
  const field = Object.hasOwn(shape, name) ? shape[name] : undefined
  return field === undefined ? [] : [field]
}
