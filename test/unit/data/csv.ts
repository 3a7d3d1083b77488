/** A strict reader of RFC 4180 for tests: records of fields, or an error. */
export const parseCsv = (text: string): string[][] => {
  const records: string[][] = []
  let at = 0
  const field = (): string => {
    if (text[at] !== '"') {
      const end = /[",\n]|$/.exec(text.slice(at))?.index ?? 0
      const plain = text.slice(at, at + end)
      at += end
      if (text[at] === '"') throw new Error('a quote inside a plain field')
      return plain
    }
    let value = ''
    for (at++; ;) {
      const close = text.indexOf('"', at)
      if (close < 0) throw new Error('a quote that is never closed')
      value += text.slice(at, close)
      at = close + 1
      if (text[at] !== '"') return value
      value += '"'
      at++
    }
  }
  while (at < text.length) {
    const record = [field()]
    while (text[at] === ',') {
      at++
      record.push(field())
    }
    if (text[at] !== '\n') throw new Error(`a record without an end at ${at}`)
    at++
    records.push(record)
  }
  return records
}
