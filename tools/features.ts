// Holds docs/features.md against the tests that passed in the newest run: every row of its tables names
// at least one test, and every test it names has passed.
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { passedPath } from './passed-reporter.ts'

const path = fileURLToPath(new URL('../docs/features.md', import.meta.url))

export interface FeatureRow {
  readonly line: number
  readonly feature: string
  readonly tests: readonly string[]
}

/** Rows of the tables whose last column is headed "shown by": its test ids stand in backticks. */
export const readFeatures = (text: string): FeatureRow[] => {
  let inTable = false
  return text.split('\n').flatMap((lineText, index) => {
    const cells = lineText.split(/(?<!\\)\|/).slice(1, -1)
    if (cells.length === 0) inTable = false
    const last = cells.at(-1)?.trim() ?? ''
    if (last.toLowerCase() === 'shown by') inTable = true
    else if (inTable && !/^:?-+:?$/.test(last))
      return [
        {
          line: index + 1,
          feature: cells[0]?.trim() ?? '',
          tests: [...last.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
        },
      ]
    return []
  })
}

/** What is wrong, a sentence each; empty if every row is shown by tests that passed. */
export const checkFeatures = (
  rows: readonly FeatureRow[],
  passed: ReadonlySet<string>,
): string[] => {
  if (rows.length === 0) return ['docs/features.md has no row.']
  return rows.flatMap(({ line, feature, tests }) =>
    tests.length === 0
      ? [`docs/features.md:${line}: "${feature}" names no test.`]
      : tests
          .filter((test) => !passed.has(test))
          .map(
            (test) => `docs/features.md:${line}: \`${test}\` is not among the tests that passed.`,
          ),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = readFeatures(await readFile(path, 'utf8'))
  const written = await readFile(passedPath, 'utf8').catch(() => undefined)
  if (written === undefined) {
    console.error(`${passedPath} is not there: run \`npm test\` first.`)
    process.exit(2)
  }
  const passed = new Set(JSON.parse(written) as string[])
  const problems = checkFeatures(rows, passed)
  for (const problem of problems) console.log(problem)
  const named = new Set(rows.flatMap((row) => row.tests)).size
  if (problems.length === 0) console.log(`${rows.length} rows, shown by ${named} tests that passed`)
  process.exit(problems.length === 0 ? 0 : 1)
}
