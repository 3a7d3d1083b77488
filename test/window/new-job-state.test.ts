import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { makeDataset, makeModel } from '#test/support/control-views.ts'
import {
  emptyFields,
  following,
  lacking,
  modelNameOf,
  readsTable,
  valueAt,
  withValue,
} from '../../renderer/features/new-job/draft.ts'
import {
  boxText,
  boxValue,
  refusalOf,
  settings,
  wayIn,
} from '../../renderer/features/new-job/form-fields.ts'
import {
  doubledNames,
  scriptModels,
  withModels,
  withoutScript,
  withScript,
} from '../../renderer/features/new-job/script.ts'
import { toYaml } from '../../renderer/features/new-job/yaml.ts'

const known = {
  models: [makeModel('mnist', 2), makeModel('mnist', 1)],
  datasets: [makeDataset('july', 1), { ...makeDataset('sales', 1), type: 'table' as const }],
}
const inputs = (place: unknown) => ({ ...emptyFields, inputs: { items: place } })

describe('a job file as text', () => {
  test('says what the fields say, whatever they are', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.constantFrom('yes', 'No', 'null', '~', '1', '0x1f', '1e3', '.5', '- a', 'a: b', 'a #b'),
      fc.constantFrom('mnist:2', 'a:', ' a', 'a ', '[a]', '{a}', '*.png', '!x', '&x', '12:30'),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    )
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        scalar,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ minLength: 1 }), tie('value'), { maxKeys: 4 }),
      ),
    }))
    const map = fc.dictionary(fc.string({ minLength: 1 }), value, { minKeys: 1, maxKeys: 5 })
    const plain = (given: unknown): unknown => JSON.parse(JSON.stringify(given))
    fc.assert(
      fc.property(map, (fields) => {
        expect(parse(toYaml(fields), { uniqueKeys: false })).toEqual(plain(fields))
      }),
    )
  })

  test('reads as people write it', () => {
    const fields = {
      name: 'digits',
      model: 'mnist:2',
      inputs: { items: { path: '/home/anna/digits', pattern: '*.png' } },
      postprocess: [{ kind: 'argmax', labels: ['zero', 'one'] }, { kind: 'raw' }],
      in_place: false,
    }
    expect(toYaml(fields)).toBe(`name: digits
model: mnist:2
inputs:
  items:
    path: /home/anna/digits
    pattern: "*.png"
postprocess:
  - kind: argmax
    labels: [zero, one]
  - kind: raw
in_place: false
`)
  })
})

describe('the form', () => {
  test('changes one value and keeps all others in their place', () => {
    const fields = { name: 'a', preprocess: { width: 28, height: 28 }, tags: { x: 'y' } }
    expect(JSON.stringify(withValue(fields, ['preprocess', 'width'], 32))).toBe(
      '{"name":"a","preprocess":{"width":32,"height":28},"tags":{"x":"y"}}',
    )
    const without = withValue(fields, ['preprocess', 'width'], undefined)
    expect(withValue(without, ['preprocess', 'height'], undefined)).toEqual({
      name: 'a',
      tags: { x: 'y' },
    })
    expect(valueAt(fields, ['preprocess', 'none', 'deeper'])).toBeUndefined()
  })

  test('follows model and data until the person says otherwise', () => {
    const chosen = following(emptyFields, { ...emptyFields, model: 'mnist:2' }, known)
    expect(chosen).toMatchObject({
      preprocess: { width: 28 },
      postprocess: { kind: 'top-k', k: 5 },
    })
    const edited = withValue(chosen, ['preprocess', 'width'], 32)
    expect(following(chosen, edited, known)).toEqual(edited)
    const asTable = following(
      edited,
      { ...edited, inputs: { items: { path: 'a', type: 'table' } } },
      known,
    )
    expect(asTable['preprocess']).toEqual(edited['preprocess'])
    expect(asTable['postprocess']).toBeUndefined()
    const untouched = following(
      chosen,
      { ...chosen, inputs: { items: { path: 'a', type: 'table' } } },
      known,
    )
    expect(untouched['preprocess']).toBeUndefined()
  })

  test('knows models however they are named, and tables', () => {
    for (const model of ['mnist', 'mnist:2', { name: 'mnist' }, { name: 'mnist', version: 2 }])
      expect(modelNameOf({ model }, known.models)).toBe('mnist:2')
    expect(modelNameOf({ model: './mnist.onnx' }, known.models)).toBe('')
    expect(readsTable(inputs({ path: 'a', format: 'csv' }), known.datasets)).toBe(true)
    expect(readsTable(inputs({ dataset: 'sales' }), known.datasets)).toBe(true)
    expect(readsTable(inputs({ dataset: 'july' }), known.datasets)).toBe(false)
    expect(readsTable(inputs('a'), known.datasets)).toBe(false)
  })

  test('says what lacks, one thing after the other', () => {
    expect(lacking(emptyFields)).toBe('Choose a model first.')
    expect(lacking({ ...emptyFields, model: 'm' })).toBe('Choose the data.')
    expect(lacking({ ...inputs('/a'), model: 'm' })).toBe('Give the job a name.')
    expect(lacking({ ...inputs('/a'), entry_script: 'a.ts', name: 'a' })).toBe('')
  })

  test('reads boxes as job files want them', () => {
    const field = (label: string) =>
      [...wayIn.image, ...wayIn.columns, ...settings(false)].find((one) => one.label === label)!
    expect(boxValue(field('Mean'), '0.5, 0.25,')).toEqual([0.5, 0.25])
    expect(boxValue(field('Columns'), 'a, b')).toEqual(['a', 'b'])
    expect(boxValue(field('Mini-batch size'), ' 20 ')).toBe(20)
    expect(boxValue(field('Mini-batch size'), '10MB')).toBe('10MB')
    expect(boxValue(field('Tries'), ' ')).toBeUndefined()
    expect(boxText([0.5, 1])).toBe('0.5, 1')
    expect(boxText({ no: 'box' })).toBe('')
  })

  test('keeps the models of a script, however they are written, over a change of each', () => {
    const models = [
      { name: '', model: 'mnist:2' },
      { name: 'reader', model: './mnist.onnx' },
    ]
    expect(scriptModels({ model: 'mnist:2' })).toEqual([models[0]])
    expect(scriptModels({ models: ['mnist:2', { path: './a.onnx' }] })).toEqual([
      { name: '', model: 'mnist:2' },
      { name: '', model: './a.onnx' },
    ])
    expect(scriptModels({ models: { one: { name: 'mnist', version: 2 } } })).toEqual([
      { name: 'one', model: 'mnist:2' },
    ])
    const several = withModels({ name: 'a', model: 'mnist:2' }, models)
    expect(several).toEqual({ name: 'a', models: { mnist: 'mnist:2', reader: './mnist.onnx' } })
    expect(withModels(several, [models[0]!])).toEqual({ name: 'a', model: 'mnist:2' })
    expect(withModels(several, [])).toEqual({ name: 'a' })
    expect(doubledNames([models[0]!, { name: 'mnist', model: './b.onnx' }])).toEqual(['mnist'])
  })

  test('turns a job of a model into one of a script and back', () => {
    const before = { ...inputs('/a'), model: 'mnist:2', preprocess: { width: 28 } }
    const script = withScript(before)
    expect(script).toEqual({ ...inputs('/a'), model: 'mnist:2', entry_script: '' })
    expect(lacking(script)).toBe('Choose a script first.')
    const written = { ...script, entry_script: 'a.ts', arguments: '--x 1', runtime: 'node' }
    expect(withoutScript(written)).toEqual({ ...inputs('/a'), model: 'mnist:2' })
  })

  test('tells at once what is out of range, but not of what a parameter stands for', () => {
    const tries = settings(false).find(({ label }) => label === 'Tries')!
    expect(refusalOf(tries, 0)).toBe('Must be a whole number of tries from 1 to 1000.')
    expect(refusalOf(tries, 3)).toBe('')
    expect(refusalOf(tries, undefined)).toBe('')
    expect(refusalOf(tries, '${{parameters.tries}}')).toBe('')
  })
})
