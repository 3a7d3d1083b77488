import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Runs every check of the house, one after the other, and tells at the end which of them failed. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const launcher = join(root, 'tools/pinned-node.mjs')

const steps: readonly (readonly [string, readonly string[]])[] = [
  ['lock', ['tools/lock-check.mjs']],
  ['types', ['tsc', '--noEmit']],
  ['lint', ['oxlint', '--type-aware', '--deny-warnings']],
  ['walls and cycles', ['tools/walls.ts']],
  ['unused code', ['knip']],
  ['format', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['command line docs', ['tools/cli-docs.ts', '--check']],
  ['tests', ['tools/test.ts']],
  ['features', ['tools/features.ts']],
]

const only = new Set(process.argv.slice(2))
const names = steps.map(([name]) => name)
const unknown = [...only].filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`No step is called ${unknown.join(', ')}: there are ${names.join(', ')}.`)
  process.exit(2)
}
const failed: string[] = []
for (const [name, command] of steps) {
  if (only.size > 0 && !only.has(name)) continue
  const started = performance.now()
  console.log(`\n== ${name}`)
  const { status } = spawnSync(process.execPath, [launcher, ...command], {
    cwd: root,
    stdio: 'inherit',
  })
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  console.log(`== ${name}: ${status === 0 ? 'fine' : 'FAILED'} (${seconds} s)`)
  if (status !== 0) failed.push(name)
}
console.log(failed.length === 0 ? '\nall checks are fine' : `\nfailed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
