/**
 * Fields of one record of delimited text, without its line end. A field in quotes may hold anything, two
 * quotes standing for one; a quote inside a bare field is a character like any other. A text instead of a
 * list is the second half of a sentence that says what is wrong with the record.
 *
 * `most`: stop after so many fields.
 */
export const splitFields = (
  record: string,
  delimiter: string,
  most = Infinity,
): readonly string[] | string => {
  const fields: string[] = []
  if (!record.includes('"')) {
    if (most === Infinity) return record.split(delimiter)
    for (let at = 0; fields.length < most;) {
      const end = record.indexOf(delimiter, at)
      fields.push(record.slice(at, end < 0 ? record.length : end))
      if (end < 0) break
      at = end + 1
    }
    return fields
  }
  for (let at = 0; fields.length < most;) {
    const isQuoted = record[at] === '"'
    const end = isQuoted ? closingQuote(record, at) : endOfBare(record, at, delimiter)
    if (end < 0) return 'has a quotation mark that is never closed'
    const next = isQuoted ? end + 1 : end
    if (next < record.length && record[next] !== delimiter)
      return 'has characters behind a closing quotation mark'
    fields.push(isQuoted ? record.slice(at + 1, end).replaceAll('""', '"') : record.slice(at, end))
    if (next >= record.length) break
    at = next + 1
  }
  return fields
}

const closingQuote = (record: string, opening: number): number => {
  for (let at = opening + 1; ; at += 2) {
    at = record.indexOf('"', at)
    if (at < 0 || record[at + 1] !== '"') return at
  }
}

const endOfBare = (record: string, at: number, delimiter: string): number => {
  const end = record.indexOf(delimiter, at)
  return end < 0 ? record.length : end
}
