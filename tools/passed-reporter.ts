import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Reporter, TestCase } from 'vitest/node'

/** The ids of all tests that passed in the newest run, as a JSON list; `tools/features.ts` reads it. */
export const passedPath = join(dirname(fileURLToPath(import.meta.url)), '../dist/test/passed.json')

/** A test's id: its file below `test/` without its endings, then the test's own title. */
export const testId = (file: string, title: string): string =>
  `${file.replace(/^test\//, '').replace(/\.test\.tsx?$/, '')}: ${title}`

/** Writes the ids of the passed tests, so that documents can be held against what really ran. */
const createPassedReporter = (): Reporter => {
  const passed = new Set<string>()
  return {
    onTestCaseResult: (test: TestCase) => {
      if (test.result().state === 'passed')
        passed.add(testId(test.module.relativeModuleId, test.name))
    },
    onTestRunEnd: () => {
      mkdirSync(dirname(passedPath), { recursive: true })
      writeFileSync(passedPath, `${JSON.stringify([...passed].sort(), null, 1)}\n`)
    },
  }
}

export const passedReporter = createPassedReporter()
