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

/** Told of each record: where it begins and where the next may, the line end counted in. */
export type OnRecord = (start: number, end: number) => void

/** How far a search has come. Positions are those of the file. */
export interface RecordScan {
  readonly rule: RecordRule
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
export const scanRecords = (scan: RecordScan, bytes: Uint8Array, onRecord: OnRecord): void => {
  const base = scan.at
  const isLines = scan.rule.delimiter === undefined
  let i = 0
  while (i < bytes.length) {
    if (isLines) i = scanLines(scan, bytes, base, onRecord)
    else if (scan.isQuoted) i = scanQuoted(scan, bytes, { base, from: i }, onRecord)
    else i = scanPlain(scan, bytes, { base, from: i }, onRecord)
    // A broken record: its end says where to go on.
    if (i === brokenOff) return
  }
  scan.at = base + bytes.length
}

const brokenOff = -1

interface Stretch {
  /** Position of the first of the bytes in the file. */
  readonly base: number
  readonly from: number
}

const scanLines = (
  scan: RecordScan,
  bytes: Uint8Array,
  base: number,
  onRecord: OnRecord,
): number => {
  for (let i = 0; i < bytes.length; i += 1) {
    if (bytes[i] !== lineFeed) continue
    endRecord(scan, base + i + 1, i === 0 ? scan.previous : (bytes[i - 1] ?? 0), onRecord)
  }
  scan.previous = bytes.at(-1) ?? scan.previous
  return bytes.length
}

/** Outside quotes: most bytes are larger than a quote and a line feed, and are passed over at once. */
const scanPlain = (
  scan: RecordScan,
  bytes: Uint8Array,
  { base, from }: Stretch,
  onRecord: OnRecord,
): number => {
  const { delimiter, longest } = scan.rule
  if (
    base + from === scan.closedAt + 1 &&
    scan.firstLineEnd >= 0 &&
    !mayFollow(scan, bytes[from])
  ) {
    breakOff(scan, onRecord)
    return brokenOff
  }
  for (let i = from; i < bytes.length; i += 1) {
    const byte = bytes[i] ?? 0
    if (byte > quote || (byte !== quote && byte !== lineFeed)) continue
    const before = i === 0 ? scan.previous : (bytes[i - 1] ?? 0)
    if (byte === lineFeed) {
      endRecord(scan, base + i + 1, before, onRecord)
      continue
    }
    const position = base + i
    const opens =
      position === scan.recordStart || before === delimiter || position === scan.closedAt + 1
    if (!opens || position - scan.recordStart >= longest) continue
    scan.isQuoted = true
    scan.previous = byte
    return i + 1
  }
  scan.previous = bytes.at(-1) ?? scan.previous
  return bytes.length
}

/** What may stand behind a closing quote. */
const mayFollow = ({ rule }: RecordScan, byte: number | undefined): boolean =>
  byte === rule.delimiter || byte === quote || byte === lineFeed || byte === carriageReturn

/** Inside quotes: up to the quote that may close them, but no further than a record may be long. */
const scanQuoted = (
  scan: RecordScan,
  bytes: Uint8Array,
  { base, from }: Stretch,
  onRecord: OnRecord,
): number => {
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
  return breakOff(scan, onRecord) ? brokenOff : end
}

const endRecord = (scan: RecordScan, end: number, before: number, onRecord: OnRecord): void => {
  const { recordStart } = scan
  const length = end - 1 - recordStart
  scan.recordStart = end
  scan.firstLineEnd = -1
  if (length > 1 || (length === 1 && before !== carriageReturn)) onRecord(recordStart, end)
}

/**
 * A quote that stays open: its first line is the record, if it has ended, and what follows is looked at anew.
 * False: it has not, so that the record ends where its line does.
 */
const breakOff = (scan: RecordScan, onRecord: OnRecord): boolean => {
  scan.isQuoted = false
  const { firstLineEnd } = scan
  if (firstLineEnd < 0) return false
  scan.at = firstLineEnd
  scan.closedAt = -2
  scan.previous = lineFeed
  endRecord(scan, firstLineEnd, 0, onRecord)
  return true
}

/**
 * No more bytes come. False: a broken record was found and the search must go on from `scan.at`.
 */
export const endScan = (scan: RecordScan, onRecord: OnRecord): boolean => {
  if (scan.isQuoted && scan.firstLineEnd >= 0) {
    breakOff(scan, onRecord)
    return false
  }
  // The last record may lack its line end: it ends where one would have stood.
  endRecord(scan, scan.at + 1, scan.previous, (start, end) => onRecord(start, end - 1))
  return true
}

/** All records of bytes that hold whole ones, from their beginning: pairs of start and end. */
export const recordsIn = (rule: RecordRule, bytes: Uint8Array): readonly number[] => {
  const found: number[] = []
  const onRecord = (start: number, end: number): void => {
    found.push(start, end)
  }
  const scan = startScan(rule, 0)
  do {
    while (scan.at < bytes.length) scanRecords(scan, bytes.subarray(scan.at), onRecord)
  } while (!endScan(scan, onRecord))
  return found
}
