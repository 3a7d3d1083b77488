/** Walks through what stands in a page, without making anything of it. A page is not believed: all ends are checked. */
export interface PageBytes {
  readonly bytes: Uint8Array
  /** Position of the next byte. */
  at: number
}

/** Whatever contradicts itself. */
export const senseless = (): Error => new Error('a page of it makes no sense')

const byteAt = (page: PageBytes): number => {
  const byte = page.bytes[page.at]
  if (byte === undefined) throw senseless()
  page.at += 1
  return byte
}

/** A number of up to 32 bits, seven in each byte. */
export const readVarint = (page: PageBytes): number => {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = byteAt(page)
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 128) return value
  }
  throw senseless()
}

/** One of up to 64 bits, of which nobody asks what it is. */
export const skipVarint = (page: PageBytes): void => {
  for (let read = 0; read < 10; read += 1) if (byteAt(page) < 128) return
  throw senseless()
}

/** The bytes passed over. */
export const skipBytes = (page: PageBytes, length: number): Uint8Array => {
  const { bytes, at } = page
  if (at + length > bytes.length) throw senseless()
  page.at += length
  return bytes.subarray(at, page.at)
}

/** Runs of numbers, as levels and positions in a dictionary are written. */
export interface Runs {
  /** How many numbers there are. */
  readonly count: number
  /** Bits of each: at most `widestRun`. */
  readonly width: number
  /** They are smaller than this. */
  readonly below: number
  /** Behind their last byte. */
  readonly end: number
}

/** Wider ones are not put together rightly by the library; 32 million values in a dictionary need so many. */
export const widestRun = 25

/** @returns how often each of `counted` was met @throws Error if they are others or fewer than `count` */
export const walkRuns = (page: PageBytes, runs: Runs, counted: readonly number[]): number[] => {
  const { count, width, below, end } = runs
  if (width > widestRun || end > page.bytes.length) throw senseless()
  const found = counted.map(() => 0)
  const note = (value: number, times: number): void => {
    if (value >= below) throw senseless()
    const at = counted.indexOf(value)
    if (at >= 0) found[at] = (found[at] ?? 0) + times
  }
  for (let left = count; left > 0;) {
    const head = readVarint(page)
    const times = head & 1 ? 8 * Math.floor(head / 2) : Math.floor(head / 2)
    if (head & 1) {
      const taken = Math.min(times, left)
      // The last ones may only fill up a byte; none at all is what the library takes for some.
      if (times === 0 || (width === 0 && times > left + 7)) throw senseless()
      if (page.at + Math.ceil((taken * width) / 8) > end) throw senseless()
      notePacked(page, { width, taken }, note)
      page.at = Math.min(end, page.at + (times / 8) * width)
      left -= taken
    } else {
      if (times > left) throw senseless()
      const value = readValue(page, width)
      if (page.at > end) throw senseless()
      if (times > 0) note(value, times)
      left -= times
    }
  }
  return found
}

const readValue = (page: PageBytes, width: number): number => {
  let value = 0
  for (let shift = 0; shift < width; shift += 8) value += byteAt(page) * 2 ** shift
  return value
}

const notePacked = (
  { bytes, at }: PageBytes,
  { width, taken }: { readonly width: number; readonly taken: number },
  note: (value: number, times: number) => void,
): void => {
  const mask = 2 ** width - 1
  let next = at
  let bits = 0
  let held = 0
  for (let i = 0; i < taken; i += 1) {
    while (held < width) {
      bits |= (bytes[next] ?? 0) << held
      next += 1
      held += 8
    }
    note(bits & mask, 1)
    bits >>>= width
    held -= width
  }
}

/** Differences between whole numbers, in blocks. @throws Error if they are not `count` */
export const walkDeltas = (page: PageBytes, count: number): void => {
  const block = readVarint(page)
  const minis = readVarint(page)
  const perMini = block / minis
  const isPlain = minis > 0 && minis <= page.bytes.length && perMini % 8 === 0 && perMini > 0
  if (!isPlain || readVarint(page) !== count) throw senseless()
  skipVarint(page)
  for (let left = count - 1; left > 0;) {
    skipVarint(page)
    const widths = page.bytes.subarray(page.at, page.at + minis)
    if (widths.length < minis) throw senseless()
    page.at += minis
    for (const width of widths) {
      if (left <= 0) break
      if (width > 64) throw senseless()
      const needed = Math.ceil((Math.min(left, perMini) * width) / 8)
      if (page.at + needed > page.bytes.length) throw senseless()
      page.at = Math.min(page.bytes.length, page.at + (perMini * width) / 8)
      left -= perMini
    }
  }
}
