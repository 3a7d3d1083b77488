import { describe, expect, it } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import type { KnownData } from '#agent/ports/job-file.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'

const [anna, ben] = ['anna', 'ben'] as unknown as [PeerId, PeerId]
const registered = { version: 1, description: '', tags: {}, registeredBy: anna, registeredAt: 1 }

const datastores: readonly Datastore[] = [
  { ...registered, name: 'default', place: { kind: 'folder', peer: anna, path: '/home/own' } },
  { ...registered, name: 'scans', place: { kind: 'folder', peer: ben, path: '/data/scans' } },
  { ...registered, name: 'nas', place: { kind: 'share', share: 'office', path: 'all' } },
  { ...registered, name: 'win', place: { kind: 'folder', peer: ben, path: 'D:\\scans' } },
]
const dataset = (name: string, change: Partial<Dataset> = {}): Dataset => ({
  ...registered,
  name,
  type: 'file',
  source: { kind: 'datastore', datastore: 'nas', path: 'july' },
  patterns: ['*.png'],
  options: {},
  ...change,
})
const datasets = [
  dataset('july', { version: 2, patterns: ['**/*.png'] }),
  dataset('july'),
  dataset('sales', {
    type: 'table',
    source: { kind: 'folder', peer: ben, path: '/sales' },
    patterns: ['*.txt'],
    options: { format: 'csv', delimiter: ';', header: false },
  }),
  dataset('lost', { source: { kind: 'datastore', datastore: 'gone', path: '' } }),
  dataset('odd', { options: { colour: 'red' } }),
]
const known: KnownData = {
  self: anna,
  nameOf: (peer) => peer,
  datastores,
  datasets,
  pools: ['office'],
}

const read = (inputs: string, more = '') =>
  createJobFileReader().read(
    `name: digits\nentry_script: ./score.ts\ninputs:\n  one: ${inputs}\n${more}`,
    '/jobs/job.yaml',
    {},
    known,
  )

const found = (inputs: string, more = '') => {
  const result = read(inputs, more)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

const told = (inputs: string, more = '') => {
  const result = read(inputs, more)
  if (result.ok) throw new Error('it was accepted')
  const { message, position } = result.error
  return `${position?.line}:${position?.column} ${message}`
}

describe('an input of a job file', () => {
  it('may lie in a datastore of another machine, which then lists it', () => {
    const { spec, dataPeer } = found('{ datastore: scans, path: 2026/july/, pattern: "*.png" }')
    expect(spec.inputs).toEqual([
      { kind: 'files', name: 'one', root: '/data/scans/2026/july', patterns: ['*.png'] },
    ])
    expect(dataPeer).toBe(ben)
    expect(found('{ datastore: win, path: 2026/july }').spec.inputs[0]?.root).toBe(
      'D:\\scans\\2026\\july',
    )
  })

  it('may lie in the default datastore, here, or in one of a share', () => {
    const own = found('{ datastore: default, path: . }')
    expect(own.spec.inputs[0]?.root).toBe('/home/own')
    expect(own).not.toHaveProperty('dataPeer')
    const shared = found('{ datastore: nas, path: july }')
    expect(shared.spec.inputs[0]).toMatchObject({
      root: '',
      share: { name: 'office', path: 'all/july' },
    })
    expect(shared).not.toHaveProperty('dataPeer')
  })

  it('may be a registered dataset, the newest or a version', () => {
    expect(found('{ dataset: july }').spec.inputs[0]).toEqual({
      kind: 'files',
      name: 'one',
      root: '',
      share: { name: 'office', path: 'all/july' },
      patterns: ['**/*.png'],
    })
    expect(found('{ dataset: july, version: 1 }').spec.inputs[0]?.patterns).toEqual(['*.png'])
    const { spec, dataPeer } = found('{ dataset: sales }')
    expect(spec.inputs[0]).toEqual({
      kind: 'table',
      name: 'one',
      root: '/sales',
      patterns: ['*.txt'],
      format: 'delimited',
      delimiter: ';',
      header: false,
    })
    expect(dataPeer).toBe(ben)
  })

  it.each([
    ['{ dataset: juli }', '4:18 No dataset "juli" is registered: did you mean "july"?'],
    [
      '{ datastore: cellar, path: . }',
      '4:20 No datastore "cellar" is registered: there are default, scans, nas, win; `muster datastore register` adds one.',
    ],
    ['{ dataset: july, version: 9 }', '4:33 The dataset "july" has no version 9: the newest is 2.'],
    [
      '{ dataset: july, pattern: "*.png" }',
      '4:33 "inputs.one" has both dataset and pattern: a dataset says itself where its files lie and how they are read.',
    ],
    [
      '{ dataset: lost }',
      '4:18 The dataset "lost" lies in the datastore "gone", which is not registered any more.',
    ],
    [
      '{ dataset: odd }',
      '4:17 The dataset "odd" has options that no input can have (colour): register it anew.',
    ],
    [
      '{ datastore: scans, path: ../up }',
      '4:33 "../up" must be a path below the datastore "scans", such as "2026/july" or ".".',
    ],
    [
      '{ datastore: scans }',
      '4:3 "inputs.one.path" is missing: it must be a path, unless a dataset is named.',
    ],
    ['{ path: ., version: 1 }', '4:27 "inputs.one.version" is for a dataset: leave it out.'],
    [
      '{ datastore: scans, share: office, path: . }',
      '4:34 "inputs.one" has both share and datastore: give only one.',
    ],
  ])('%s is refused', (inputs, words) => {
    expect(told(inputs).replace(/^4:\d+/, '4')).toBe(words.replace(/^4:\d+/, '4'))
  })

  it('lies on one machine with the others; side inputs lie here or in a share', () => {
    expect(told('{ dataset: sales }', '  two: { path: ./t, format: csv }\n')).toContain(
      '"inputs.two" lies on this machine, but another input on ben',
    )
    expect(
      told('./images', 'side_inputs:\n  words: { datastore: scans, path: words }\n'),
    ).toContain(
      '"side_inputs.words" lies on ben, but side inputs are taken from this machine or a share',
    )
  })

  it('can name none where nothing is known', () => {
    const text = 'name: digits\nentry_script: ./s.ts\ninputs:\n  one: { dataset: july }\n'
    const result = createJobFileReader().read(text, '/jobs/job.yaml', {})
    expect(result.ok ? '' : result.error.message).toBe(
      'No dataset "july" is registered: none is yet; `muster dataset register` adds one.',
    )
  })

  it('may be named by Azure ML', () => {
    const text = `type: parallel
name: score
inputs: { images: { path: 'azureml:july:1' } }
input_data: \${{inputs.images}}
task: { entry_script: score.ts }
`
    const result = createJobFileReader().read(text, '/jobs/job.yaml', {}, known)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.spec.inputs[0]?.patterns).toEqual(['*.png'])
  })

  it('of Azure ML may name a compute that is no pool here: all machines work then', () => {
    const text = (compute: string) => `type: parallel
name: score
compute: azureml:${compute}
inputs: { images: { path: ./images } }
input_data: \${{inputs.images}}
task: { entry_script: score.ts }
`
    const [lost, there] = ['cpu-cluster', 'office'].map((compute) =>
      createJobFileReader().read(text(compute), '/jobs/job.yaml', {}, known),
    )
    expect(lost).toMatchObject({
      ok: true,
      value: {
        warnings: [
          '"compute" (/jobs/job.yaml:3:1) names the pool "cpu-cluster", which is not there: all machines may work.',
        ],
      },
    })
    expect(lost?.ok === true && lost.value.spec).not.toHaveProperty('pool')
    expect(there).toMatchObject({ ok: true, value: { warnings: [], spec: { pool: 'office' } } })
  })

  it('of a step is looked up too', () => {
    const text = `name: two-steps
steps:
  first:
    entry_script: ./a.ts
    inputs: { images: { dataset: july } }
`
    const given = { parameters: {}, overrides: {}, known }
    const result = createJobFileReader().readRun(text, '/jobs/job.yaml', given)
    if (!result.ok) throw new Error(result.error.message)
    expect(result.value.steps[0]?.job.spec.inputs[0]?.share).toEqual({
      name: 'office',
      path: 'all/july',
    })
  })
})
