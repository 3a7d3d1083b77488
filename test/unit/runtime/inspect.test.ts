import { link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { inspectModel } from '#agent/runtime/inspect/inspect.ts'
import {
  externalWeights,
  modelBytes,
  operatorModel,
  stripeClassifier,
  stripeWeights,
  valueOf,
  weights,
  writeModel,
} from '#test/support/models.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-inspect-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const put = (bytes: Uint8Array, name = 'm.onnx') => writeModel(join(folder, name), bytes)

const refusal = async (path: string) => {
  const result = await inspectModel(path)
  if (result.ok) throw new Error('it was accepted')
  // One sentence that names the file.
  expect(result.error.message).toMatch(/^[^\n]+\.$/)
  expect(result.error.message).toContain(path)
  return result.error
}

const externalModel = (location: string) => put(stripeClassifier({ external: location }))

describe('a good model', () => {
  test('is described', async () => {
    const path = await put(stripeClassifier())
    const result = await inspectModel(path)
    expect(result).toStrictEqual({
      ok: true,
      value: {
        path,
        files: ['m.onnx'],
        facts: {
          inputs: [{ name: 'image', type: 'float32', shape: ['batch', 1, 8, 8] }],
          outputs: [{ name: 'scores', type: 'float32', shape: ['batch', 4] }],
          opset: 17,
          producer: 'muster-tests 1',
          parameters: 64 * 4 + 4,
          bytes: (await readFile(path)).length,
        },
      },
    })
  })

  test('the MNIST example has the facts its README tells', async () => {
    const result = await inspectModel('examples/mnist/model/mnist.onnx')
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.facts).toMatchObject({
      inputs: [{ name: 'image', type: 'float32', shape: ['batch', 1, 28, 28] }],
      outputs: [{ name: 'logits', type: 'float32', shape: ['batch', 10] }],
      opset: 13,
      parameters: 36_298,
      bytes: 146_632,
    })
  })

  test('weights that are listed as inputs are none', async () => {
    const path = await put(
      modelBytes({
        nodes: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
        inputs: [valueOf('x', 'float32', [2]), valueOf('w', 'float32', [2])],
        outputs: [valueOf('y', 'float32', [2])],
        weights: [weights('w', [2], Float32Array.of(1, 2))],
      }),
    )
    const result = await inspectModel(path)
    expect(result.ok && result.value.facts.inputs.map((input) => input.name)).toEqual(['x'])
  })

  test('weights far larger than the reading window are passed over', async () => {
    const length = 512 * 1024
    const result = await inspectModel(
      await put(
        modelBytes({
          nodes: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
          inputs: [valueOf('x', 'float32', [length])],
          outputs: [valueOf('y', 'float32', [length])],
          weights: [
            weights('w', [length], new Float32Array(length)),
            weights('v', [3], Float32Array.of(1, 2, 3)),
          ],
        }),
      ),
    )
    expect(result.ok && result.value.facts.parameters).toBe(length + 3)
  })

  test('a folder with just one model stands for it', async () => {
    const path = await put(stripeClassifier())
    await writeFile(join(folder, 'readme.txt'), 'hello')
    const result = await inspectModel(folder)
    expect(result.ok && result.value.path).toBe(path)
  })

  test('operators defined in the model itself are its own', async () => {
    const path = await put(
      modelBytes({
        nodes: [{ opType: 'Twice', domain: 'here', input: ['x'], output: ['y'] }],
        inputs: [valueOf('x', 'float32', [2])],
        outputs: [valueOf('y', 'float32', [2])],
        opsets: [
          { domain: '', version: 17n },
          { domain: 'here', version: 1n },
        ],
        functions: [
          {
            name: 'Twice',
            domain: 'here',
            node: [{ opType: 'Add', input: ['a', 'a'], output: ['b'] }],
          },
        ],
      }),
    )
    expect((await inspectModel(path)).ok).toBe(true)
  })
})

describe('what is no model', () => {
  test('missing, empty, text, folder without and with two models', async () => {
    expect(await refusal(join(folder, 'none.onnx'))).toMatchObject({ code: 'ModelMissing' })
    expect(await refusal(folder)).toMatchObject({ code: 'ModelMissing' })
    const empty = await refusal(await put(new Uint8Array(), 'empty.onnx'))
    expect(empty).toMatchObject({ code: 'ModelBroken' })
    expect(empty.message).toContain('empty (0 bytes)')
    const text = await refusal(await put(Buffer.from('<html>404 not found</html>'), 'text.onnx'))
    expect(text).toMatchObject({ code: 'ModelBroken' })
    const two = await refusal(folder)
    expect(two.message).toContain('2 .onnx files')
  })

  test('a model cut off anywhere is broken, never an exception', async () => {
    const whole = stripeClassifier()
    const path = join(folder, 'cut.onnx')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: whole.length - 1 }), async (length) => {
        await writeFile(path, whole.subarray(0, length))
        expect(await refusal(path)).toMatchObject({ code: 'ModelBroken' })
      }),
      { numRuns: 60, verbose: 1 },
    )
  })

  test('rubbish and flipped bytes give a result, never an exception', async () => {
    const whole = stripeClassifier()
    const path = join(folder, 'odd.onnx')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (flips) => {
          const bytes = Uint8Array.from(whole)
          for (const [at, byte] of flips) bytes[at] = byte
          await writeFile(path, bytes)
          const result = await inspectModel(path)
          expect(result.ok || result.error.code.startsWith('Model')).toBe(true)
        },
      ),
      { numRuns: 150, verbose: 1 },
    )
  })
})

describe('operators', () => {
  test.each([['com.acme'], ['ai.onnx.contrib']])(
    'custom ones of %s are refused by name',
    async (domain) => {
      const error = await refusal(await put(operatorModel(domain, 'Frobnicate')))
      expect(error.code).toBe('ModelRefused')
      expect(error.message).toContain('"Frobnicate"')
      expect(error.message).toContain(`"${domain}"`)
    },
  )

  test('also inside a branch', async () => {
    const inner = { name: 'then', node: [{ opType: 'Evil', domain: 'com.acme', output: ['z'] }] }
    const path = await put(
      modelBytes({
        nodes: [
          {
            opType: 'If',
            input: ['c'],
            output: ['y'],
            attribute: [{ name: 'then_branch', g: inner }],
          },
        ],
        inputs: [valueOf('c', 'float32', [1])],
        outputs: [valueOf('y', 'float32', [1])],
      }),
    )
    expect((await refusal(path)).message).toContain('"Evil"')
  })

  test('those that load files of their own are refused', async () => {
    expect(await refusal(await put(operatorModel('com.microsoft', 'EPContext')))).toMatchObject({
      code: 'ModelRefused',
    })
  })

  test("Microsoft's and the machine learning ones pass", async () => {
    expect((await inspectModel(await put(operatorModel('com.microsoft', 'Gelu')))).ok).toBe(true)
    expect((await inspectModel(await put(operatorModel('ai.onnx.ml', 'Scaler')))).ok).toBe(true)
  })
})

describe('external data', () => {
  test('beside the model is part of it', async () => {
    const path = await externalModel('w.bin')
    const data = new Uint8Array(stripeWeights(64, 4).buffer)
    await writeFile(join(folder, 'w.bin'), data)
    const result = await inspectModel(path)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.files).toEqual(['m.onnx', 'w.bin'])
    expect(result.value.facts.bytes).toBe((await readFile(path)).length + data.length)
    expect(result.value.facts.parameters).toBe(64 * 4 + 4)
  })

  test('missing is named', async () => {
    const error = await refusal(await externalModel('parts/w.bin'))
    expect(error.code).toBe('ModelMissing')
    expect(error.message).toContain('"parts/w.bin"')
  })

  test.each([
    ['/etc/passwd'],
    ['../w.bin'],
    ['a/../../w.bin'],
    ['a/..'],
    ['..\\w.bin'],
    ['C:\\w.bin'],
    ['C:w.bin'],
    ['//host/share/w.bin'],
    ['*/_ORT_MEM_ADDR_/*'],
    ['w\u0000.bin'],
  ])('%j leaves the folder or is odd: refused', async (location) => {
    expect(await refusal(await externalModel(location))).toMatchObject({ code: 'ModelRefused' })
  })

  test('links are refused: to a file, to a folder, a second name', async () => {
    const outside = join(folder, 'outside')
    const inside = join(folder, 'inside')
    await mkdir(outside)
    await mkdir(inside)
    await writeFile(join(outside, 'w.bin'), 'secret')
    await symlink(join(outside, 'w.bin'), join(inside, 'soft.bin'))
    await symlink(outside, join(inside, 'way'))
    await link(join(outside, 'w.bin'), join(inside, 'hard.bin'))
    for (const location of ['soft.bin', 'way/w.bin', 'hard.bin']) {
      const path = await put(stripeClassifier({ external: location }), 'inside/m.onnx')
      const error = await refusal(path)
      expect(error.code).toBe('ModelRefused')
      expect(error.message).toMatch(/link\.$/)
    }
  })

  test('two locations, or none, are refused', async () => {
    const twice = externalWeights('w', [2], 'a.bin', 'b.bin')
    const never = externalWeights('w', [2])
    for (const tensor of [twice, never]) {
      const path = await put(
        modelBytes({
          nodes: [{ opType: 'Add', input: ['x', 'w'], output: ['y'] }],
          inputs: [valueOf('x', 'float32', [2])],
          outputs: [valueOf('y', 'float32', [2])],
          weights: [tensor],
        }),
      )
      expect(await refusal(path)).toMatchObject({ code: 'ModelRefused' })
    }
  })

  test('of a constant inside the graph and of a sparse tensor are seen too', async () => {
    const outputs = [valueOf('y', 'float32', [2])]
    const constant = await put(
      modelBytes({
        nodes: [
          {
            opType: 'Constant',
            output: ['y'],
            attribute: [{ name: 'value', t: externalWeights('hidden', [2], '../x.bin') }],
          },
        ],
        inputs: [],
        outputs,
      }),
    )
    expect((await refusal(constant)).message).toContain('"../x.bin"')
    const sparse = await put(
      modelBytes({
        nodes: [{ opType: 'Identity', input: ['s'], output: ['y'] }],
        inputs: [],
        outputs,
        sparse: [
          {
            values: externalWeights('s', [1], 'w.bin'),
            indices: weights('i', [1], Float32Array.of(0)),
            dims: [2n],
          },
        ],
      }),
    )
    expect((await refusal(sparse)).message).toContain('sparse')
  })
})
