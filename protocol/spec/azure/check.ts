import { suggest } from '../suggest.ts'
import { azureTable } from './fields.ts'
import type { AzureTable } from './fields.ts'
import { azureName, isMap, mapAt } from './file.ts'
import type { AzureFile, AzurePath } from './file.ts'

/** Looks at every field of the file: what is unknown, what cannot be honoured, what must not be ignored. */
export const checkFields = (file: AzureFile, table: AzureTable = azureTable): void =>
  checkMap({ file, table }, [], file.root)

interface Check {
  readonly file: AzureFile
  readonly table: AzureTable
}

const checkMap = (check: Check, at: AzurePath, value: unknown): void => {
  if (!isMap(value)) return
  for (const [name, below] of Object.entries(value)) checkField(check, [...at, name], below)
}

const checkField = (check: Check, at: AzurePath, value: unknown): void => {
  const { file, table } = check
  const fate = table.at(at)?.fate
  if (fate === undefined) return unknown(check, at)
  if (fate.kind === 'refused') {
    const message = `"${azureName(at)}" cannot be used: ${fate.instead}`
    file.faults.push({ rank: 0, path: at, message })
    return
  }
  const below = table.below(at)
  const isOpened = isMap(value) && below.length > 0
  if (fate.kind === 'warned' && !isOpened) {
    file.warnings.push({ path: at, words: `has no effect: ${fate.why}` })
    return
  }
  // A step that is not run is not looked into.
  if (
    at.length === 2 &&
    at[0] === 'jobs' &&
    mapAt(file.root['jobs'], String(at[1]))['type'] === 'command'
  )
    return
  if (isOpened) checkMap(check, at, value)
}

const unknown = ({ file, table }: Check, at: AzurePath): void => {
  const known = table.below(at.slice(0, -1))
  const near = suggest(String(at.at(-1)), known).map(
    (name) => `"${azureName([...at.slice(0, -1), name])}"`,
  )
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : `the fields there are ${known.join(', ')}`
  const message = `"${azureName(at)}" is not a field of an Azure ML job that is known here: ${hint}`
  file.faults.push({ rank: 0, path: at, message })
}
