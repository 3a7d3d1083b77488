import { availableParallelism } from 'node:os'
import process from 'node:process'
import { defineConfig } from 'vitest/config'
import { passedReporter } from './tools/passed-reporter.ts'

/**
 * Unit, contract and simulation tests are quick and run first, beside each other; then two files with real agents
 * or browsers at a time, since these mostly wait.
 */
export default defineConfig({
  test: {
    reporters: ['default', passedReporter],
    projects: [
      {
        test: {
          name: 'quick',
          // Of two cores Vitest would leave one idle.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 1 },
          include: [
            'test/unit/**/*.test.ts',
            'test/contract/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          // Vitest's own limits for hooks and polls, 10 s and 1 s, are for an idle machine; there is no retry here.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          expect: { poll: { timeout: 10_000 } },
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/integration/**/*.test.ts', 'test/window/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          expect: { poll: { timeout: 10_000 } },
          // Real processes, browsers and clocks on a shared machine: in CI a test may fail once. The
          // reporter says so, and one that fails twice is broken.
          retry: process.env['CI'] === undefined ? 0 : 1,
        },
      },
    ],
  },
})
