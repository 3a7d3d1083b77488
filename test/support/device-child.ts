import process from 'node:process'
import { Tensor } from 'onnxruntime-node'
import { openSession } from '#agent/runtime/devices/session.ts'
import { stripeClassifier, writeModel } from './models.ts'

// A runtime process reduced to its session, for a machine on which the device is always faster: told by a
// stopwatch of its own, since a software driver never is. Runs batches of the sizes on the command line and
// prints what was chosen and computed, as JSON.
const [, , folder = '.', sizes = '3'] = process.argv
const messages: string[] = []
const opened = await openSession({
  modelName: '"stripes" version 1',
  modelPath: await writeModel(`${folder}/stripes-${process.pid}.onnx`, stripeClassifier()),
  threads: 1,
  plan: { kind: 'measure', candidates: ['webgpu'] },
  classes: true,
  timeOf: async ({ provider }) => (provider === 'cpu' ? 10 : 1),
  chosen: ({ message }) => messages.push(message),
})
if (!opened.ok) throw new Error(opened.error.message)
/** Pictures whose third stretch is white. */
const batch = (items: number) => {
  const numbers = new Float32Array(items * 64)
  numbers.fill(1, 32, 48)
  // Doubled again and again: one item at a time takes seconds where there are millions.
  for (let done = 64; done < numbers.length; done *= 2) numbers.copyWithin(done, 0, done)
  return { image: new Tensor('float32', numbers, [items, 1, 8, 8]) }
}
const runs: { readonly provider: string; readonly items: number; readonly last: number[] }[] = []
for (const items of sizes.split(',').map(Number)) {
  const { scores } = await opened.value.run(batch(items))
  const numbers = scores?.data as Float32Array
  const last = Array.from(numbers.slice(-4))
  runs.push({ provider: opened.value.provider(), items: numbers.length / 4, last })
}
console.log(JSON.stringify({ messages, runs }))
process.kill(process.pid, 'SIGKILL')
