/**
 * A document's text with its generated parts made anew: what stands between `<!-- generated: NAME -->` and
 * `<!-- end of NAME -->`. @throws Error if the document lacks the markers of a part
 */
export const withParts = (
  file: string,
  text: string,
  parts: Readonly<Record<string, string>>,
): string => {
  let fresh = text
  for (const [name, part] of Object.entries(parts)) {
    const [from, to] = [`<!-- generated: ${name} -->`, `<!-- end of ${name} -->`]
    const [start, end] = [fresh.indexOf(from), fresh.indexOf(to)]
    if (start < 0 || end < start) throw new Error(`${file} lacks the markers of ${name}`)
    fresh = `${fresh.slice(0, start)}${from}\n\n${part.trim()}\n\n${fresh.slice(end)}`
  }
  return fresh
}
