import process from 'node:process'
import { createModelRuntime } from '#agent/runtime/model-runtime.ts'
import type { Log } from '#agent/ports/log.ts'
import { onnxSpec } from './job-specs.ts'
import { encodePng } from './png.ts'

// An agent reduced to its runtime: starts one worker process for the model named on the command line, gives
// it a mini-batch, prints its process id and waits to be killed.
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: console.error,
  error: console.error,
  child: () => log,
}
const modelPath = process.argv[2] ?? ''
const started = await createModelRuntime({ log }).start({
  spec: onnxSpec('/'),
  modelPath,
  threads: 1,
  memoryBytes: 2 ** 30,
  signal: new AbortController().signal,
})
if (!started.ok) throw new Error(started.error.message)
const bytes = encodePng({ width: 8, height: 8, depth: 8, colour: 0, rows: new Uint8Array(64) })
void started.value.run({ miniBatch: 0, attempt: 1, items: [{ item: 0, name: 'a.png', bytes }] })
console.log(started.value.pid)
setInterval(() => {}, 60_000)
