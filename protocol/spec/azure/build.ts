import type { AzurePath, Fields } from './file.ts'

/** Fields of a job file as they are put together, each with the place it came from. */
export interface Built {
  readonly put: (path: AzurePath, value: unknown, from: AzurePath) => void
  readonly fields: () => Fields
  /** Where in the Azure file a place of the job file came from. */
  readonly origin: (path: AzurePath) => AzurePath
}

export const createBuilt = (): Built => {
  const fields: Record<string, unknown> = {}
  const origins = new Map<string, AzurePath>()
  return {
    put: (path, value, from) => {
      let here = fields
      for (const name of path.slice(0, -1)) {
        const below = here[name]
        const map = typeof below === 'object' && below !== null ? below : {}
        here[name] = map
        here = map as Record<string, unknown>
      }
      here[path.at(-1) ?? ''] = value
      origins.set(JSON.stringify(path), from)
    },
    fields: () => fields,
    origin: (path) => {
      for (let length = path.length; length > 0; length -= 1) {
        const from = origins.get(JSON.stringify(path.slice(0, length)))
        if (from !== undefined) return [...from, ...path.slice(length)]
      }
      return []
    },
  }
}
