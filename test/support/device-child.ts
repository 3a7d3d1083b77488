import process from 'node:process'
import { Tensor } from 'onnxruntime-node'
import { openSession } from '#agent/runtime/devices/session.ts'
import { stripeClassifier, writeModel } from './models.ts'

// A runtime process reduced to its session, for a machine on which the device is always faster: told by a
// stopwatch of its own, since a software driver never is. Prints what was chosen and computed, as JSON.
const [, , folder = '.', candidate = 'webgpu'] = process.argv
const messages: string[] = []
const opened = await openSession({
  modelName: '"stripes" version 1',
  modelPath: await writeModel(`${folder}/stripes-${process.pid}.onnx`, stripeClassifier()),
  threads: 1,
  plan: { kind: 'measure', candidates: [candidate === 'cuda' ? 'cuda' : 'webgpu'] },
  classes: true,
  timeOf: async ({ provider }) => (provider === 'cpu' ? 10 : 1),
  chosen: ({ message }) => messages.push(message),
})
if (!opened.ok) throw new Error(opened.error.message)
const batch = (items: number) => ({
  image: new Tensor(
    'float32',
    Float32Array.from({ length: items * 64 }, (_, at) => (Math.floor(at / 16) % 4 === 2 ? 1 : 0)),
    [items, 1, 8, 8],
  ),
})
const runs: { readonly provider: string; readonly scores: readonly number[] }[] = []
for (const items of [3, 3, 5]) {
  const { scores } = await opened.value.run(batch(items))
  const numbers = Array.from(scores?.data as Float32Array)
  runs.push({ provider: opened.value.provider(), scores: numbers })
}
console.log(JSON.stringify({ messages, runs }))
process.kill(process.pid, 'SIGKILL')
