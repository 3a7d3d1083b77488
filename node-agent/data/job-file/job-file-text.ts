import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Alias, Document, Node, Pair, YAMLError } from 'yaml'
import type { KnownData } from '#agent/ports/job-file.ts'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError, TextPosition } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Names and list indices from the top of a file to a value. */
export type FieldPath = readonly (string | number)[]

/** A job file as plain values that still know where they stood. */
export interface ReadText {
  readonly value: Readonly<Record<string, unknown>>
  /** Where a field's name stands, or a list's entry, or the nearest thing above that does exist. */
  readonly keyAt: (path: FieldPath) => TextPosition
  /** Where a field's value stands. */
  readonly valueAt: (path: FieldPath) => TextPosition
  /** How the file itself calls a place, where that is not how job files do. */
  readonly nameAt?: (path: FieldPath) => string
  /** What the names of data in it mean; left out: nothing is known. */
  readonly known?: KnownData
}

/** Reads YAML down to plain values: one document, a map, no doubled names, no bombs. */
export const readJobFileText = (text: string, file: string): Result<ReadText, MusterError> => {
  const lines = new LineCounter()
  const positionOf = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const refuse = ({ message, offset, detail }: TextFault): Result<ReadText, MusterError> => {
    const position = positionOf(offset)
    const extra = detail === undefined ? { position } : { position, detail }
    return err(musterError('JobFileInvalid', message, extra))
  }
  if (Buffer.byteLength(text) > limits.jobFileBytes)
    return refuse({
      message: `The job file is larger than ${limits.jobFileBytes} bytes: shorten it.`,
      offset: 0,
    })
  // What decoding leaves where bytes were no UTF-8; files of UTF-16 are full of both.
  const foreign = text.search(/[\0\ufffd]/)
  if (foreign >= 0) {
    lines.addNewLine(0)
    for (const { index } of text.slice(0, foreign).matchAll(/\n/g)) lines.addNewLine(index + 1)
    return refuse({
      message: 'The job file is not text in UTF-8 here: save it in that encoding.',
      offset: foreign,
    })
  }
  try {
    // The library compares each name with all others of its map, which a long one would be felt by.
    // And it would print what it thinks of a name such as "[a]", which is refused like any unknown one.
    const options = {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      logLevel: 'error' as const,
    }
    const document = parseDocument(text, options)
    const fault = faultOf(document, text)
    if (fault !== undefined) return refuse(fault)
    // Throws when aliases grow like a bomb.
    const value = document.toJS({ maxAliasCount: limits.yamlAliases }) as Record<string, unknown>
    return ok({
      value,
      keyAt: (path) => positionOf(findNode(document, path).key),
      valueAt: (path) => positionOf(findNode(document, path).value),
    })
  } catch (thrown) {
    const bomb = thrown instanceof ReferenceError
    const message = bomb
      ? 'The job file uses too many YAML aliases: write the values out.'
      : tooDeep
    return refuse({ message, offset: 0, detail: thrownToText(thrown) })
  }
}

interface TextFault {
  readonly message: string
  readonly offset: number
  readonly detail?: string
}

/** What keeps a parsed text from being a job file. */
const faultOf = (document: Document, text: string): TextFault | undefined => {
  const error = document.errors[0] ?? document.warnings[0]
  if (error !== undefined)
    return {
      message: yamlWords(error, lineAt(text, error.pos[0])),
      offset: error.pos[0],
      detail: error.message,
    }
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null))
    return {
      message:
        'The job file is empty: it needs at least a name, inputs, and a model or an entry_script.',
      offset: 0,
    }
  if (!isMap(contents))
    return {
      message: `The job file must be a map of fields such as "name: digits", but is ${kindOf(contents)}.`,
      offset: offsetOf(contents, 0),
    }
  const doubled = doubledName(document)
  if (doubled !== undefined)
    return {
      message: `"${keyText(doubled)}" stands twice in the job file: remove one of the two.`,
      offset: offsetOf(doubled, 0),
    }
  const dangling = danglingAlias(document)
  if (dangling !== undefined) {
    const name = dangling.source
    return {
      message: `"*${name}" refers to "&${name}", which stands nowhere before it: write the value out.`,
      offset: offsetOf(dangling, 0),
    }
  }
  const merge = wrongMerge(document)
  if (merge === undefined) return undefined
  return {
    message:
      '"<<" takes in a map, such as *common, that has no "<<" of its own: write its fields out.',
    offset: offsetOf(merge, 0),
  }
}

const tooDeep =
  'The job file is nested too deeply to be read: a job needs no more than four levels.'

/** The second of two equal names in one map. */
const doubledName = (document: Document): unknown => {
  let found: unknown
  visit(document, {
    Map: (_, map) => {
      const names = new Set<string>()
      for (const { key } of map.items) {
        const name = keyText(key)
        if (names.has(name)) {
          found = key
          return visit.BREAK
        }
        names.add(name)
      }
      return undefined
    },
  })
  return found
}

/** A merge key whose value is no map, or one that merges again: those could grow like a bomb. */
const wrongMerge = (document: Document): unknown => {
  let found: unknown
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isMergeKey(key)) return undefined
      const sources = isSeq(value) ? value.items : [value]
      const isFine = sources.every((source) => {
        const map = isAlias(source) ? source.resolve(document) : source
        return isMap(map) && !map.items.some((item) => isMergeKey(item.key))
      })
      if (isFine) return undefined
      found = key
      return visit.BREAK
    },
  })
  return found
}

const isMergeKey = (key: unknown): boolean => isScalar(key) && typeof key.value === 'symbol'

/** Finding an alias's anchor costs a walk over the document, so their number is bounded first. */
const danglingAlias = (document: Document): Alias | undefined => {
  const aliases: Alias[] = []
  visit(document, {
    Alias: (_, alias) => {
      aliases.push(alias)
      return aliases.length > limits.yamlAliases ? visit.BREAK : undefined
    },
  })
  if (aliases.length > limits.yamlAliases) throw new ReferenceError('too many aliases')
  return aliases.find((alias) => alias.resolve(document) === undefined)
}

const kindOf = (node: Node): string => (isSeq(node) ? 'a list' : 'a single value')

const lineAt = (text: string, offset: number): string => {
  const end = text.indexOf('\n', offset)
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, end < 0 ? undefined : end)
}

/** @param line where it was noticed */
const yamlWords = (error: YAMLError, line: string): string => {
  if (error.message.includes('call stack')) return tooDeep
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'A tab indents this line of the job file: YAML allows only spaces there.'
    case 'MULTIPLE_DOCS':
      return 'The job file holds several YAML documents: write each job into a file of its own.'
    case 'TAG_RESOLVE_FAILED':
      return 'The job file uses a YAML tag that is not known here: remove the word that starts with "!".'
    default: {
      const reason = error.message.split('\n')[0] ?? ''
      if (line.includes('${{'))
        return 'The job file is not valid YAML here: inside { } and [ ] a text such as ${{parameters.x}} must stand in quotation marks.'
      return `The job file is not valid YAML here (${reason.replace(/[.:]\s*$/, '')}): correct this line.`
    }
  }
}

/** Offsets of a field's name and of its value. */
interface Found {
  readonly key: number
  readonly value: number
}

const findNode = (document: Document, path: FieldPath): Found => {
  let node: unknown = document.contents
  let found: Found = { key: offsetOf(node, 0), value: offsetOf(node, 0) }
  for (const name of path) {
    const parent = isAlias(node) ? node.resolve(document) : node
    if (isMap(parent)) {
      const pair: Pair | undefined = parent.items.find((item) => keyText(item.key) === String(name))
      if (pair === undefined) return found
      const key = offsetOf(pair.key, found.key)
      found = { key, value: offsetOf(pair.value, key) }
      node = pair.value
    } else if (isSeq(parent)) {
      node = parent.items[Number(name)]
      if (node === undefined) return found
      const offset = offsetOf(node, found.value)
      found = { key: offset, value: offset }
    } else return found
  }
  return found
}

const keyText = (key: unknown): string =>
  isMergeKey(key) ? '<<' : String(isScalar(key) ? key.value : key)

/** A value left empty has no place of its own. */
const offsetOf = (node: unknown, fallback: number): number => {
  if (!isNode(node)) return fallback
  const isEmpty = isScalar(node) && node.value === null && node.source === ''
  return isEmpty ? fallback : (node.range?.[0] ?? fallback)
}
