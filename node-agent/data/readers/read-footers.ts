import { limits } from '#protocol/limits.ts'
import { factsOf } from './parquet.ts'
import type { ParquetFacts } from './parquet.ts'

/** A footer and what it says. */
interface Read {
  readonly tail: Uint8Array
  readonly facts: ParquetFacts
}

/**
 * The footers read last, the newest first: all mini-batches of a file have the same one, it may name thousands of
 * row groups, and a partition is gathered from many files.
 */
let read: readonly Read[] = []

/** Takes a footer apart, once. @throws whatever the library says of one that makes no sense */
export const readFooter = (tail: Uint8Array): ParquetFacts => {
  const known = read.find((one) => Buffer.compare(one.tail, tail) === 0)
  const found = known ?? { tail: Uint8Array.from(tail), facts: factsOf(tail) }
  let bytes = 0
  read = [found, ...read.filter((one) => one !== found)].filter((one, at) => {
    bytes += one.tail.length
    return at === 0 || (at < limits.readFooters && bytes <= limits.readFooterBytes)
  })
  return found.facts
}
