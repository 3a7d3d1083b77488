import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Builds the window (the window tests look at the real one), then runs the tests with the arguments given. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const launcher = join(root, 'tools/pinned-node.mjs')

const run = (command: readonly string[]): void => {
  const { status } = spawnSync(process.execPath, [launcher, ...command], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}

run(['vite', 'build', '--config', 'renderer/vite.config.ts', '--logLevel', 'warn'])
run(['vitest', 'run', ...process.argv.slice(2)])
