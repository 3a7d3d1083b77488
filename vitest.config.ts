import { defineConfig } from 'vitest/config'

/** Unit, contract and simulation tests are quick and run beside each other; real agents run alone. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'quick',
          include: [
            'test/unit/**/*.test.ts',
            'test/contract/**/*.test.ts',
            'test/simulation/**/*.test.ts',
          ],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/integration/**/*.test.ts', 'test/window/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
