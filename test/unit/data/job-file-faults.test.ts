import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limits } from '#protocol/limits.ts'
import { errorOf, file, nothing, reader, small } from './job-files.ts'

describe('a wrong job file', () => {
  it.each([
    [
      'mini_bach_size: 5',
      '8:1 "mini_bach_size" is not a field of a job file: did you mean "mini_batch_size"?',
    ],
    [
      'miniBatchSize: 5',
      '8:1 "miniBatchSize" is not a field of a job file: did you mean "mini_batch_size"?',
    ],
    [
      'colour: red',
      '8:1 "colour" is not a field of a job file: the fields are listed in docs/job-file.md.',
    ],
    [
      'retry_settings:\n  max_retry: 1',
      '9:3 "retry_settings.max_retry" is not a field of a job file: did you mean "retry_settings.max_retries"?',
    ],
    [
      'entry_script: score.ts',
      '6:3 "preprocess" cannot stand beside "entry_script": the script itself decodes items and makes rows.',
    ],
    [
      'mini_batch_size: 0',
      '8:18 "mini_batch_size" is 0, but must be a whole number of files from 1 to 100000, a size of tables such as 10MB, or auto.',
    ],
    [
      'mini_batch_size: 1.5',
      '8:18 "mini_batch_size" is 1.5, but must be a whole number of files from 1 to 100000, a size of tables such as 10MB, or auto.',
    ],
    [
      'mini_batch_size: 10MB',
      '8:18 "mini_batch_size" is the byte size "10MB", but files are counted: give a whole number of files from 1 to 100000.',
    ],
    [
      'mini_batch_size:',
      '8:1 "mini_batch_size" is empty, but must be a whole number of files from 1 to 100000, a size of tables such as 10MB, or auto.',
    ],
    [
      'mini_batch_size: [1]',
      '8:18 "mini_batch_size" is a list, but must be a whole number of files from 1 to 100000, a size of tables such as 10MB, or auto.',
    ],
    [
      'schedule: { watch: ./in, cron: "0 6 * * *" }',
      '8:13 "schedule.watch" does not go with the fields beside it: give one or the other.',
    ],
    [
      'partition_keys: []',
      '8:17 "partition_keys" is an empty list, but must be a list of 1 to 16 names.',
    ],
    [
      'error_threshold: -2',
      '8:18 "error_threshold" is -2, but must be a whole number from 0 to 2147483647, or -1 for any number of failures.',
    ],
    [
      'run_max_try: 0',
      '8:14 "run_max_try" is 0, but must be a whole number of tries from 1 to 1000.',
    ],
    [
      'run_invocation_timeout: 259201',
      '8:25 "run_invocation_timeout" is 259201, but must be a number of seconds above 0 and up to 259200.',
    ],
    [
      'logging_level: verbose',
      '8:16 "logging_level" is "verbose", but must be DEBUG, INFO or WARNING.',
    ],
    [
      'device: tpu',
      '8:9 "device" is "tpu", but must be auto, cpu, gpu, cuda, tensorrt, dml, coreml or webgpu.',
    ],
    [
      'append_row_file_name: "a:b.csv"',
      '8:23 "append_row_file_name" is "a:b.csv", but must be a file name of at most 255 characters without control characters and any of ~"#%&*:<>?/\\{|}.',
    ],
    [
      'append_row_file_name: ..',
      '8:23 "append_row_file_name" is "..", but must be a file name of at most 255 characters without control characters and any of ~"#%&*:<>?/\\{|}.',
    ],
    [
      'append_row_file_name: a.parquet\nappend_row_delimiter: ";"',
      '9:23 "append_row_delimiter" is for files with columns of text, but .parquet has none.',
    ],
    [
      'append_row_header: true',
      '8:20 "append_row_header" needs columns: give "append_row_delimiter" too, or a file name that ends in .csv.',
    ],
    [
      "append_row_delimiter: ', '",
      '8:23 "append_row_delimiter" is ", ", but must be one character, neither a quotation mark nor a line break.',
    ],
    [
      'output: { overwrite: true }',
      '8:1 "output.path" is missing: it must be a path of 1 to 4096 characters.',
    ],
    [
      'postprocess: { labels: [a] }',
      '8:1 "postprocess.kind" is missing: it must be argmax, softmax, top-k, threshold, embedding or raw.',
    ],
    ['name: other', '8:1 "name" stands twice in the job file: remove one of the two.'],
    [
      'retry_settings:\n\ttimeout: 5',
      '9:1 A tab indents this line of the job file: YAML allows only spaces there.',
    ],
    [
      'tags: *missing',
      '8:7 "*missing" refers to "&missing", which stands nowhere before it: write the value out.',
    ],
    [
      'tags: !!js/function x',
      '8:7 The job file uses a YAML tag that is not known here: remove the word that starts with "!".',
    ],
    [
      '---\nname: other',
      '8:1 The job file holds several YAML documents: write each job into a file of its own.',
    ],
    [
      '__proto__: { name: x }',
      '8:1 "__proto__" is not a field of a job file: the fields are listed in docs/job-file.md.',
    ],
  ])('%j', (lines, message) => {
    expect(errorOf(`${small}${lines}\n`)).toBe(message)
  })

  it.each([
    ['name: digits\n', '', '1:1 "name" is missing: it must be text of 3 to 32'],
    ['name: digits', 'name: Digits', '1:7 "name" is "Digits", but must be text of 3 to 32'],
    ['name: digits', 'name: digits-', '1:7 "name" is "digits-", but must be'],
    [
      '  height: 28\n',
      '',
      '5:1 "preprocess.height" is missing: it must be a whole number of pixels',
    ],
    [
      '  width',
      '  widht',
      '6:3 "preprocess.widht" is not a field of a job file: did you mean "preprocess.width"?',
    ],
    [
      'model: mnist',
      'modell: mnist',
      '2:1 "modell" is not a field of a job file: did you mean "models" or "model"?',
    ],
    ['model: mnist', 'model: mnist:0', '2:8 "model" is "mnist:0", but must be a registered model'],
    [
      'inputs:\n',
      'inputs:\n  more: { path: ./b, format: csv }\n',
      '5:11 "inputs.digits" is a folder of files, but "inputs.more" is a table: the inputs of one job are of one kind; name those that are not split under side_inputs.',
    ],
    [
      'inputs:\n  digits: ./images',
      'inputs: {}',
      '3:9 "inputs" is empty: name an input and give its path.',
    ],
    [
      'inputs:\n  digits: ./images',
      'inputs: ./images',
      '3:9 "inputs" is "./images", but must be a map from names to paths.',
    ],
    ['digits: ./images', 'digits: { pattern: "*" }', '4:3 "inputs.digits.path" is missing'],
    [
      'digits: ./images',
      'digits: { path: a, pattern: "..\\\\*" }',
      '4:31 "inputs.digits.pattern" is "..',
    ],
    [
      'digits: ./images',
      'digits: { path: a, pattern: ../* }',
      '4:31 "inputs.digits.pattern" is "../*", but must be a glob',
    ],
    [
      'digits: ./images',
      'digits: { path: a, pattern: b, patterns: [c] }',
      '4:44 "inputs.digits" has both pattern and patterns',
    ],
  ])('%j as %j', (from, to, start) => {
    expect(errorOf(small.replace(from, to)).slice(0, start.length)).toBe(start)
  })

  it.each([
    ['', '1:1 The job file is empty'],
    ['# only a comment\n', '1:1 The job file is empty'],
    [
      '- name: digits\n',
      '1:1 The job file must be a map of fields such as "name: digits", but is a list.',
    ],
    [
      'digits',
      '1:1 The job file must be a map of fields such as "name: digits", but is a single value.',
    ],
    ['name: [a, b\n', '2:1 The job file is not valid YAML here'],
    [
      'tags: { a: ${{parameters.x}} }\n',
      '1:13 The job file is not valid YAML here: inside { } and [ ] a text such as ${{parameters.x}} must stand in quotation marks.',
    ],
    [`# ${'x'.repeat(limits.jobFileBytes)}`, '1:1 The job file is larger than'],
  ])('%.40j', (text, start) => {
    expect(errorOf(text).slice(0, start.length)).toBe(start)
  })

  it('that is a bomb is refused at once', () => {
    let bomb = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n'
    for (let i = 1; i < 12; i++)
      bomb += `a${i}: &a${i} [${Array.from({ length: 8 }, () => `*a${i - 1}`).join(', ')}]\n`
    expect(errorOf(bomb)).toContain('too many YAML aliases')
    expect(errorOf(`${small}tags: ${'['.repeat(5_000)}`)).toContain('nested too deeply')
    const many = Array.from({ length: 5_000 }, (_, i) => `t${i}: *a`).join('\n')
    expect(errorOf(`a: &a 1\n${many}`)).toContain('too many YAML aliases')
    const again = `a: &a { x: 1 }\nb: &b { <<: *a }\nc: { <<: [*b, *b] }\n`
    for (const merge of [again, 'tags: { <<: 5 }', 'tags: { <<: }', 'a: &a [1]\ntags: { <<: *a }'])
      expect(errorOf(merge)).toContain('"<<" takes in a map')
  })

  it('keeps the other faults for the log', () => {
    const result = reader.read(`${small}colour: red\nrun_max_try: 0\n`, file, nothing)
    expect(result).toMatchObject({
      ok: false,
      error: { position: { line: 8 }, detail: expect.stringContaining('"run_max_try" is 0') },
    })
  })

  it('is told apart from a place that is not known', () => {
    const result = reader.read(small, 'job.yaml', nothing)
    expect(result).toMatchObject({ ok: false, error: { position: { line: 4, column: 11 } } })
  })

  it('never throws, whatever is written', () => {
    const token = fc.constantFrom(
      'name',
      'inputs',
      'model',
      'preprocess',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a',
      '*a',
      '!',
      '|',
      '>',
      '#',
      '1',
      '~',
      '?',
      '<<',
      '\t',
      '---',
      '%',
      '@',
      'é',
      '\0',
      '\u2028',
    )
    fc.assert(
      fc.property(fc.array(token, { maxLength: 40 }), fc.boolean(), (tokens, append) => {
        const text = (append ? small : '') + tokens.join('')
        const result = reader.read(text, file, nothing)
        if (result.ok) return
        const { position, message } = result.error
        const lines = text.split(/\n/)
        expect(position?.line).toBeGreaterThanOrEqual(1)
        expect(position?.line).toBeLessThanOrEqual(lines.length + 1)
        expect(position?.column).toBeGreaterThanOrEqual(1)
        expect(message).toMatch(/^[^\n]+[.?)]$/)
      }),
      { numRuns: 2_000 },
    )
  })
})
