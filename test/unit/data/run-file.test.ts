import { describe, expect, it } from 'vitest'
import { createJobFileReader } from '#agent/data/job-file/job-file.ts'
import type { GivenValues, RunFile } from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'

const file = '/jobs/shelves.yaml'
const nothing: GivenValues = { parameters: {}, overrides: {} }

const readAs = (text: string, given: Partial<GivenValues> = {}) =>
  createJobFileReader().readRun(text, file, { ...nothing, ...given })

const accepted = (text: string, given?: Partial<GivenValues>): RunFile => {
  const read = readAs(text, given)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}

const refused = (text: string, given?: Partial<GivenValues>): MusterError => {
  const read = readAs(text, given)
  if (read.ok) throw new Error('the file was accepted')
  return read.error
}

const pipeline = `
name: shelf-photos
experiment: shelves
parameters:
  confidence: 0.5
  size: { default: 4, description: files in a mini-batch }
  season:
inputs:
  photos: { path: ./photos, pattern: '*.jpg' }
steps:
  find:
    entry_script: ./find.ts
    inputs: { photos: '\${{inputs.photos}}' }
    arguments: ['--confidence', '\${{parameters.confidence}}', 'of-\${{ parent.inputs.season }}']
    mini_batch_size: \${{parameters.size}}
    append_row_file_name: found.jsonl
    output_name: found
  sort:
    entry_script: ./sort.ts
    inputs: { found: '\${{parent.jobs.find.outputs.found}}' }
    allow_reuse: false
  show:
    entry_script: ./show.ts
    inputs: { lines: { path: '\${{steps.sort.output}}', type: files } }
    after: [sort]
`
const given = { parameters: { season: 'autumn' } }

describe('a pipeline file', () => {
  it('gives steps wired to each other, with every parameter filled in', () => {
    const run = accepted(pipeline, given)
    expect(run).toMatchObject({
      name: 'shelf-photos',
      experiment: 'shelves',
      parameters: { confidence: 0.5, size: 4, season: 'autumn', photos: './photos' },
      continueOnStepFailure: false,
      regenerateOutputs: false,
    })
    const [find, sort, show] = run.steps
    expect(find).toMatchObject({
      name: 'find',
      wires: [],
      output: 'found',
      allowReuse: true,
      job: {
        spec: {
          name: 'find',
          inputs: [{ kind: 'files', root: '/jobs/photos', patterns: ['*.jpg'] }],
          miniBatchSize: { kind: 'items', items: 4 },
          arguments: ['--confidence', '0.5', 'of-autumn'],
        },
      },
    })
    expect(sort).toMatchObject({
      wires: [{ input: 'found', step: 'find' }],
      allowReuse: false,
      job: {
        spec: {
          inputs: [{ kind: 'table', format: 'json-lines', root: '', patterns: ['found.jsonl'] }],
        },
      },
    })
    expect(show).toMatchObject({
      wires: [{ input: 'lines', step: 'sort' }],
      after: ['sort'],
      job: {
        spec: {
          inputs: [{ kind: 'files', root: '', patterns: ['parallel_run_step.txt'] }],
        },
      },
    })
  })

  it('wires side inputs to outputs too, as tables where their file is one', () => {
    const run = accepted(
      pipeline.replace(
        'after: [sort]',
        "side_inputs: { found: '${{steps.find.output}}', words: ./words, lines: { path: '${{steps.sort.output}}', type: files } }",
      ),
      given,
    )
    const show = run.steps[2]
    expect(show?.wires).toEqual([
      { input: 'lines', step: 'sort' },
      { input: 'found', step: 'find', side: true },
      { input: 'lines', step: 'sort', side: true },
    ])
    expect(show?.job.spec.sideInputs).toMatchObject([
      { name: 'found', kind: 'table', format: 'json-lines', root: '', patterns: ['found.jsonl'] },
      { name: 'words', kind: 'files', root: '/jobs/words' },
      { name: 'lines', kind: 'files', root: '', patterns: ['parallel_run_step.txt'] },
    ])
    expect(show?.job.spec.inputs).toMatchObject([{ name: 'lines', root: '' }])
  })

  it('reads a wired table as one, also where the step says how it comes to machines', () => {
    const run = accepted(
      pipeline.replace(
        'after: [sort]',
        "side_inputs: { found: { path: '${{steps.find.output}}', mode: download } }",
      ),
      given,
    )
    expect(run.steps[2]?.job.spec.sideInputs).toMatchObject([
      { name: 'found', kind: 'table', format: 'json-lines', root: '', patterns: ['found.jsonl'] },
    ])
  })

  it('takes steps as a list, and other values beside the file', () => {
    const asList = pipeline
      .replace(/^ {2}find:\n/m, '  - name: find\n')
      .replace(/^ {2}sort:\n/m, '  - name: sort\n')
      .replace(/^ {2}show:\n/m, '  - name: show\n')
    const run = accepted(asList, {
      parameters: { season: 'autumn', size: '7', photos: '/other' },
      overrides: { 'steps.find.error_threshold': 3, experiment: 'tried' },
    })
    expect(run.experiment).toBe('tried')
    expect(run.parameters['size']).toBe(7)
    expect(run.steps[0]?.job.spec).toMatchObject({
      inputs: [{ root: '/other', patterns: ['*.jpg'] }],
      miniBatchSize: { kind: 'items', items: 7 },
      errorThreshold: 3,
    })
  })
})

describe('a job file', () => {
  const single = `
name: digits
parameters: { size: 10 }
entry_script: ./score.ts
inputs: { digits: ./digits }
mini_batch_size: \${{parameters.size}}
`
  it('is a run of one step, whose parameters may be texts or numbers', () => {
    const one = accepted(single, { parameters: { size: '1' } })
    const two = accepted(single, { parameters: { size: 1 } })
    expect(one).toEqual(two)
    expect(one).toMatchObject({ name: 'digits', experiment: 'digits', parameters: { size: 1 } })
    expect(one.steps.map((step) => [step.name, step.wires])).toEqual([['digits', []]])
  })

  it('wires the files of a step whose output action is written in capitals', () => {
    const wiresOf = (action: string) =>
      accepted(`
name: two
steps:
  one: { entry_script: ./a.ts, inputs: { a: ./a }, append_row_file_name: o.csv, output_action: ${action} }
  two: { entry_script: ./b.ts, inputs: { b: '\${{steps.one.output}}' } }
`).steps[1]
    expect(wiresOf('SUMMARY_ONLY')?.job.spec).toEqual(wiresOf('summary_only')?.job.spec)
    expect(wiresOf('SUMMARY_ONLY')?.job.spec).not.toEqual(wiresOf('append_row')?.job.spec)
  })

  it('may call its own things "name", and fill them in', () => {
    const own = single
      .replace('{ digits: ./digits }', "{ name: './${{parameters.size}}' }")
      .concat("environment_variables: { name: 'of ${{parameters.size}}' }\n")
    const [step] = accepted(own, { parameters: { size: 3 } }).steps
    expect(step?.job.spec).toMatchObject({
      inputs: [{ name: 'name' }],
      environment: { name: 'of 3' },
    })
  })

  it('takes in maps by merge keys, whose own names go before', () => {
    const merged = `
name: two
parameters: &common { a: b, c: d }
tags: { <<: [*common], a: e }
steps:
  one: &one { entry_script: ./score.ts, inputs: { a: ./a }, mini_batch_size: 3 }
  two: { <<: *one, mini_batch_size: 4 }
`
    const run = accepted(merged)
    expect(run.tags).toEqual({ a: 'e', c: 'd' })
    expect(run.steps.map(({ job }) => job.spec.miniBatchSize)).toEqual([
      { kind: 'items', items: 3 },
      { kind: 'items', items: 4 },
    ])
  })

  it('may have a schedule', () => {
    const cron = accepted(`${single}schedule: { cron: '0 6 * * *', timezone: Europe/Vienna }`)
    expect(cron.schedule).toEqual({
      trigger: { kind: 'cron', expression: '0 6 * * *', timezone: 'Europe/Vienna' },
      overlap: false,
    })
    const watch = accepted(`${single}schedule: { watch: ./in, quiet: 1, overlap: true }`)
    expect(watch.schedule).toEqual({
      trigger: { kind: 'folder', path: '/jobs/in', patterns: ['**/*'], quietMs: 1_000 },
      overlap: true,
    })
  })
})

describe('a wrong file', () => {
  it.for([
    [
      'an unknown parameter',
      pipeline,
      { parameters: { seson: 'x' } },
      /^The file has no parameter "seson": it has confidence, size, season, photos\. Did you mean "season"\?$/,
    ],
    [
      'a missing parameter',
      pipeline,
      {},
      /^The parameter "season" has no default and was not given: add `--param season=VALUE`\.$/,
    ],
    [
      'an unknown reference',
      pipeline.replace('parameters.confidence}', 'parameters.confidense}'),
      given,
      /In step "find": "arguments\[1\]" refers to the parameter "confidense", which the file does not have: it has/,
    ],
    [
      'a reference as a name',
      pipeline.replace('output_name: found', "output_name: '${{parameters.season}}'"),
      given,
      /a name cannot be a parameter/,
    ],
    [
      'a circle',
      pipeline.replace("photos: '${{inputs.photos}}'", "photos: '${{steps.sort.output}}'"),
      given,
      /wait for each other in a circle, find -> sort -> find:/,
    ],
    [
      'a step that is not there',
      pipeline.replace('after: [sort]', 'after: [sorts]'),
      given,
      /"show" stands after step "sorts", which the file does not have/,
    ],
    [
      'an output that is not there',
      pipeline.replace('outputs.found', 'outputs.fond'),
      given,
      /is the output "fond" of step "find", whose output is called "found"/,
    ],
    [
      'a circle by way of a side input',
      pipeline.replace(
        "photos: '${{inputs.photos}}' }",
        "photos: '${{inputs.photos}}' }\n    side_inputs: { all: '${{steps.sort.output}}' }",
      ),
      given,
      /wait for each other in a circle, find -> sort -> find:/,
    ],
    [
      'an output that is no input',
      pipeline.replace('./sort.ts', "'${{steps.find.output}}'"),
      given,
      /In step "sort": "entry_script" is .* an output can only be an input/,
    ],
    [
      'an unknown field of a step',
      pipeline.replace('allow_reuse', 'allow_reuze'),
      given,
      /In step "sort": "allow_reuze" is not a field of a job file: did you mean "allow_reuse"\?/,
    ],
    [
      'a field of the run in a step',
      pipeline.replace('allow_reuse: false', 'experiment: x'),
      given,
      /In step "sort": "experiment" belongs to the whole run/,
    ],
    [
      'a step with a wrong name',
      pipeline.replace('  show:', '  Show:'),
      given,
      /"steps.Show" is "Show", but must be text of 3 to 32 characters/,
    ],
    [
      'an unknown override',
      pipeline,
      { ...given, overrides: { 'steps.finds.mini_batch_size': 1 } },
      /"steps.finds.mini_batch_size", given on the command line, is not a field.*did you mean "steps.find.mini_batch_size"/,
    ],
  ] as const)('%s is told in a sentence', ([, text, values, message]) => {
    const error = refused(text, values)
    expect(error.code).toBe('JobFileInvalid')
    expect(error.message).toMatch(message)
  })

  it('is told with its place', () => {
    const error = refused(pipeline.replace('after: [sort]', 'mini_batch_size: 0'), given)
    expect(error.message).toMatch(/^In step "show": "mini_batch_size" is 0/)
    expect(error.position).toMatchObject({ file, line: 25 })
  })
})
