import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { decodeLight } from '#agent/runtime/child/light-decoder.ts'
import { readPng } from '#agent/runtime/child/png.ts'

process.env['ORT_DISABLE_TELEMETRY'] = '1'
const { InferenceSession, Tensor } = await import('onnxruntime-node')

/**
 * The bare loop that Muster is held against, with the very decoder that Muster uses: one process, every
 * `of`-th batch, no leases, no ledger, rows kept in memory only. Arguments: model, folder, batch size,
 * number, of.
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

const decode = (name: string): Uint8Array => {
  const png = readPng(readFileSync(join(folder, name)))
  const pixels = typeof png === 'string' ? undefined : decodeLight(png)
  if (pixels === undefined || pixels.channels !== 1) throw new Error(`${name} is no gray picture`)
  return pixels.data
}

const rows: string[] = []
for (let first = number * batch; first < names.length; first += of * batch) {
  const part = names.slice(first, first + batch)
  const values = new Float32Array(part.length * 784)
  for (const [i, name] of part.entries()) {
    const pixels = decode(name)
    for (let at = 0; at < 784; at += 1) values[i * 784 + at] = (pixels[at] ?? 0) / 255
  }
  const image = new Tensor('float32', values, [part.length, 1, 28, 28])
  const output = await inference.run({ image })
  const logits = output['logits']?.data as Float32Array
  for (const [i, name] of part.entries()) {
    const scores = logits.subarray(i * 10, i * 10 + 10)
    const prediction = String(scores.indexOf(Math.max(...scores)))
    rows.push(JSON.stringify({ item: name, prediction }))
  }
}
process.stdout.write(`${rows.length}\n`)
