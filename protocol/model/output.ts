/** How rows stand in a file. */
export const outputFormats = ['csv', 'tsv', 'jsonl', 'parquet', 'txt'] as const
/** What rows are written as. */
export type OutputFormat = (typeof outputFormats)[number]

/** The format of a file by the ending of its name; one line an element for any other. */
export const formatOfName = (fileName: string): OutputFormat => {
  const ending = /\.([a-z]+)$/i.exec(fileName)?.[1]?.toLowerCase()
  return outputFormats.find((format) => format === ending) ?? 'txt'
}
