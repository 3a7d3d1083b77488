import { describe, expect, test } from 'vitest'
import { checkFeatures, readFeatures } from '../../../tools/features.ts'
import { testId } from '../../../tools/passed-reporter.ts'

const page = `# Features

| row | shown by |
| --- | --- |
| sizes \\| units | \`unit/a: cuts\`, \`unit/b: counts\` |
| order | \`unit/a: sorts\` |
| nothing |  |

| other table | remark |
| --- | --- |
| is left alone | yes |
`

describe('the table of features', () => {
  test('is read with its lines and test ids, other tables are left alone', () => {
    expect(readFeatures(page)).toEqual([
      { line: 5, feature: 'sizes \\| units', tests: ['unit/a: cuts', 'unit/b: counts'] },
      { line: 6, feature: 'order', tests: ['unit/a: sorts'] },
      { line: 7, feature: 'nothing', tests: [] },
    ])
  })

  test('a row without a test, and a test that did not pass, are named', () => {
    const passed = new Set(['unit/a: cuts', 'unit/b: counts'])
    expect(checkFeatures(readFeatures(page), passed)).toEqual([
      'docs/features.md:6: `unit/a: sorts` is not among the tests that passed.',
      'docs/features.md:7: "nothing" names no test.',
    ])
    expect(checkFeatures([], passed)).toEqual(['docs/features.md has no row.'])
  })

  test('a test is named by its file below test/ and its title', () => {
    expect(testId('test/unit/data/planner.test.ts', 'cuts')).toBe('unit/data/planner: cuts')
    expect(testId('test/window/jobs.test.tsx', 'shows')).toBe('window/jobs: shows')
  })
})
