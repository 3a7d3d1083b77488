import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'

process.env['ORT_DISABLE_TELEMETRY'] = '1'
const { InferenceSession, Tensor } = await import('onnxruntime-node')
const { default: UPNG } = await import('upng-js')

/**
 * The bare loop that Muster is held against: one process, every `of`-th batch, no leases, no ledger, no
 * results kept but in memory. Arguments: model, folder, batch size, number, of.
 */
const [model = '', folder = '', batchText = '', numberText = '', ofText = ''] =
  process.argv.slice(2)
const batch = Number(batchText)
const number = Number(numberText)
const of = Number(ofText)
const names = readdirSync(folder).toSorted()
const inference = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
})
const rows: string[] = []
for (let first = number * batch; first < names.length; first += of * batch) {
  const part = names.slice(first, first + batch)
  const pixels = new Float32Array(part.length * 784)
  for (const [i, name] of part.entries()) {
    const bytes = readFileSync(join(folder, name))
    const image = UPNG.decode(bytes)
    const rgba = new Uint8Array(UPNG.toRGBA8(image)[0] ?? new ArrayBuffer(0))
    for (let at = 0; at < 784; at += 1) pixels[i * 784 + at] = (rgba[at * 4] ?? 0) / 255
  }
  const output = await inference.run({
    image: new Tensor('float32', pixels, [part.length, 1, 28, 28]),
  })
  const logits = output['logits']?.data as Float32Array
  for (const [i, name] of part.entries()) {
    const scores = logits.subarray(i * 10, i * 10 + 10)
    rows.push(
      JSON.stringify({ item: name, prediction: String(scores.indexOf(Math.max(...scores))) }),
    )
  }
}
process.stdout.write(`${rows.length}\n`)
