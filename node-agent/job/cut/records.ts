/**
 * Where records of text end, found in bytes of UTF-8 without decoding them. A plan cuts by it and a worker
 * reads by it, each from another place of the file and in other blocks: both must find the same records.
 *
 * A record ends at a line feed outside quotes; a quote opens only where a field begins. Lines that are empty
 * are no records. A quote that is never closed, or not within `longest` bytes of its record's beginning, or
 * on a later line where something else than a delimiter follows, makes just its own line a broken record: the
 * search goes on behind that line.
 */
export interface RecordRule {
  /** Byte between fields; undefined: there are no fields and no quotes, every line is a record. */
  readonly delimiter: number | undefined
  /** Bytes from a record's beginning within which a quote must close. */
  readonly longest: number
}

/** Records in the order in which they were found: where each begins and where the next may, in the file. */
export interface FoundRecords {
  count: number
  starts: Float64Array
  /** The line end is counted in. */
  ends: Float64Array
}

/** How far a search has come. Positions are those of the file. */
export interface RecordScan {
  readonly rule: RecordRule
  /** Whoever searches sets its count back when these were seen to. */
  readonly found: FoundRecords
  /** The next byte that must be given. */
  at: number
  recordStart: number
  isQuoted: boolean
  /** Where a quote closed; a quote right behind it opens again, the two stand for one. */
  closedAt: number
  /** End of the first line of a record with an open quote; -1 while it has only one. */
  firstLineEnd: number
  previous: number
}

const lineFeed = 10
const carriageReturn = 13
const quote = 34

export const startScan = (rule: RecordRule, at: number): RecordScan => ({
  rule,
  found: { count: 0, starts: new Float64Array(1_024), ends: new Float64Array(1_024) },
  at,
  recordStart: at,
  isQuoted: false,
  closedAt: -2,
  firstLineEnd: -1,
  previous: lineFeed,
})

/**
 * Looks through bytes that begin at `scan.at`. Give the bytes from the new `scan.at` next, which may lie
 * before the end of these: a broken record sends the search back.
 */
export const scanRecords = (scan: RecordScan, bytes: Uint8Array): void => {
  const base = scan.at
  let i = 0
  while (i < bytes.length) {
    i = scan.isQuoted ? scanQuoted(scan, bytes, base, i) : scanPlain(scan, bytes, base, i)
    if (i !== brokenOff) continue
    // A broken record: its end says where to go on. A table may be full of them, so bytes at hand are not read anew.
    if (scan.at < base) return
    i = scan.at - base
  }
  scan.at = base + bytes.length
}

const brokenOff = -1

/** Outside quotes. What a record needs stands in variables: fields of objects would double the time of a large table. */
const scanPlain = (scan: RecordScan, bytes: Uint8Array, base: number, from: number): number => {
  const { found, rule } = scan
  if (
    base + from === scan.closedAt + 1 &&
    scan.firstLineEnd >= 0 &&
    !mayFollow(rule, bytes[from])
  ) {
    breakOff(scan)
    return brokenOff
  }
  let { starts, ends, count } = found
  let { recordStart } = scan
  let i = nextMark(bytes, from)
  for (; i < bytes.length; i = nextMark(bytes, i + 1)) {
    const before = i === 0 ? scan.previous : (bytes[i - 1] ?? 0)
    if (bytes[i] === quote) {
      if (opens(scan, base + i, recordStart, before)) break
      continue
    }
    const end = base + i + 1
    if (!isEmpty(end - 1 - recordStart, before)) {
      if (count === starts.length) {
        grow(found)
        starts = found.starts
        ends = found.ends
      }
      starts[count] = recordStart
      ends[count] = end
      count += 1
    }
    recordStart = end
  }
  if (recordStart !== scan.recordStart) scan.firstLineEnd = -1
  scan.recordStart = recordStart
  scan.isQuoted = i < bytes.length
  scan.previous = scan.isQuoted ? quote : (bytes.at(-1) ?? scan.previous)
  found.count = count
  return scan.isQuoted ? i + 1 : i
}

/** Where the next quote or line feed stands. Most bytes are larger than both, and are passed over at once. */
const nextMark = (bytes: Uint8Array, from: number): number => {
  const { length } = bytes
  for (let i = from; i < length; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte <= quote && (byte === lineFeed || byte === quote)) return i
  }
  return length
}

/** Whether a quote begins a field in quotes, or goes on with it behind a quote that seemed to close it. */
const opens = (
  { rule, closedAt }: RecordScan,
  position: number,
  recordStart: number,
  before: number,
): boolean =>
  rule.delimiter !== undefined &&
  position - recordStart < rule.longest &&
  (position === recordStart || before === rule.delimiter || position === closedAt + 1)

const isEmpty = (length: number, last: number): boolean =>
  length === 0 || (length === 1 && last === carriageReturn)

/** What may stand behind a closing quote. */
const mayFollow = (rule: RecordRule, byte: number | undefined): boolean =>
  byte === rule.delimiter || byte === quote || byte === lineFeed || byte === carriageReturn

/** Inside quotes: up to the quote that may close them, but no further than a record may be long. */
const scanQuoted = (scan: RecordScan, bytes: Uint8Array, base: number, from: number): number => {
  const stop = scan.recordStart + scan.rule.longest - base
  const end = Math.min(bytes.length, stop)
  for (let i = from; i < end; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte > quote) continue
    if (byte === lineFeed && scan.firstLineEnd < 0) scan.firstLineEnd = base + i + 1
    if (byte !== quote) continue
    scan.isQuoted = false
    scan.closedAt = base + i
    scan.previous = byte
    return i + 1
  }
  if (end > from) scan.previous = bytes[end - 1] ?? scan.previous
  if (end < stop) return end
  return breakOff(scan) ? brokenOff : end
}

const endRecord = (scan: RecordScan, end: number, before: number): void => {
  const { recordStart, found } = scan
  scan.recordStart = end
  scan.firstLineEnd = -1
  if (end <= recordStart || isEmpty(end - 1 - recordStart, before)) return
  if (found.count === found.starts.length) grow(found)
  found.starts[found.count] = recordStart
  found.ends[found.count] = end
  found.count += 1
}

const grow = (found: FoundRecords): void => {
  found.starts = twiceAsLong(found.starts)
  found.ends = twiceAsLong(found.ends)
}

const twiceAsLong = (numbers: Float64Array): Float64Array => {
  const longer = new Float64Array(2 * numbers.length)
  longer.set(numbers)
  return longer
}

/**
 * A quote that stays open: its first line is the record, if it has ended, and what follows is looked at anew.
 * False: it has not, so that the record ends where its line does.
 */
const breakOff = (scan: RecordScan): boolean => {
  scan.isQuoted = false
  const { firstLineEnd } = scan
  if (firstLineEnd < 0) return false
  scan.at = firstLineEnd
  scan.closedAt = -2
  scan.previous = lineFeed
  endRecord(scan, firstLineEnd, 0)
  return true
}

/**
 * No more bytes come. False: a broken record was found and the search must go on from `scan.at`.
 */
export const endScan = (scan: RecordScan): boolean => {
  if (scan.isQuoted && scan.firstLineEnd >= 0) {
    breakOff(scan)
    return false
  }
  const { found } = scan
  const before = found.count
  // The last record may lack its line end: it ends where one would have stood.
  endRecord(scan, scan.at + 1, scan.previous)
  if (found.count > before) found.ends[before] = scan.at
  return true
}

/** All records of bytes that hold whole ones, from their beginning. */
export const recordsIn = (rule: RecordRule, bytes: Uint8Array): FoundRecords => {
  const scan = startScan(rule, 0)
  do {
    while (scan.at < bytes.length) scanRecords(scan, bytes.subarray(scan.at))
  } while (!endScan(scan))
  return scan.found
}
