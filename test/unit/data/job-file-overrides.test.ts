import { describe, expect, it } from 'vitest'
import { errorOf, read, small } from './job-files.ts'

describe('overrides from the command line', () => {
  it('replace what the file says, before it is checked', () => {
    const text = `${small}mini_batch_size: nonsense\nretry_settings: { max_retries: 7, timeout: 9 }\n`
    const { spec, model } = read(text, {
      mini_batch_size: '7',
      'preprocess.width': 32,
      'inputs.digits.path': '/data',
      'inputs.digits.pattern': '*.png',
      run_max_try: 2,
      'tags.who.why': 'me',
      model: 'other:4',
      in_place: false,
    })
    expect(spec).toMatchObject({
      miniBatchSize: { kind: 'items', items: 7 },
      preprocess: { width: 32, height: 28 },
      inputs: [{ name: 'digits', root: '/data', patterns: ['*.png'] }],
      maxAttempts: 2,
      runLimitMs: 9_000,
      tags: { 'who.why': 'me' },
      inPlace: false,
    })
    expect(model).toEqual({ kind: 'registered', name: 'other', version: 4 })
    expect(read(small, { 'inputs.digits': 'more' }).spec.inputs[0]?.root).toBe('/jobs/digits/more')
    expect(read(small, { 'model.version': 2 }).model).toEqual({
      kind: 'registered',
      name: 'mnist',
      version: 2,
    })
    const listed = small.replace('./images', '{ path: a, patterns: [b, c] }')
    expect(read(listed, { 'inputs.digits.pattern': 'd' }).spec.inputs[0]?.patterns).toEqual(['d'])
  })

  it.each<[string, string | number, string]>([
    [
      'mini_bach_size',
      1,
      '"mini_bach_size", given on the command line, is not a field of the job file: did you mean "mini_batch_size"?',
    ],
    ['inputs.digit.path', 'x', 'did you mean "inputs.digits.path"?'],
    ['preprocess.widht', 1, 'did you mean "preprocess.width"?'],
    ['preprocess', 1, 'is not a field of the job file'],
    ['__proto__.x', 1, 'is not a field of the job file'],
    ['constructor', 1, 'is not a field of the job file'],
    ['entry_script', 'a.ts', '"preprocess" cannot stand beside "entry_script"'],
    [
      'mini_batch_size',
      '10MB',
      '"mini_batch_size" is the byte size "10MB", but files are counted: give a whole number of files from 1 to 100000 (set on the command line).',
    ],
    [
      'preprocess.height',
      -1,
      '"preprocess.height" is -1, but must be a whole number of pixels from 1 to 16384 (set on the command line).',
    ],
  ])('%s = %j is refused', (name, value, words) => {
    expect(errorOf(small, { [name]: value })).toContain(words)
  })

  it('may contradict the file, but not each other', () => {
    expect(errorOf(small, { run_max_try: 3, 'retry_settings.max_retries': 5 })).toContain(
      '"retry_settings.max_retries" is 5, which means run_max_try 6',
    )
  })

  it('leave places in the file as they are', () => {
    expect(errorOf(`${small}run_max_try: 0\n`, { 'preprocess.width': 1 })).toMatch(/^8:14 /)
  })
})
