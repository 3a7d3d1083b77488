import process from 'node:process'
import { buildMuster } from '../tools/agent-bundle.mjs'
import type { BenchResult } from './measure.ts'

/** `npm run bench -- NAME [--json]`: one script a claim. The last line is JSON. */
const benches: Readonly<Record<string, () => Promise<BenchResult>>> = {
  digits: async () => (await import('./digits.ts')).benchDigits(),
  dispatch: async () => (await import('./dispatch.ts')).benchDispatch(),
  blob: async () => (await import('./blob.ts')).benchBlob(),
  script: async () => (await import('./script.ts')).benchScript(),
  output: async () => (await import('./output.ts')).benchOutput(),
  plan: async () => (await import('./plan.ts')).benchPlan(),
  idle: async () => (await import('./idle.ts')).benchIdle(),
  'loop-delay': async () => (await import('./loop-delay.ts')).benchLoopDelay(),
}

const name = process.argv.slice(2).find((word) => !word.startsWith('-')) ?? ''
const bench = benches[name]
if (bench === undefined) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join('|')} [--json]`)
  process.exit(2)
}
// What people run after the first start.
await buildMuster()
console.log(JSON.stringify(await bench()))
