import type { Lines, Pictures, PythonArgument, PythonScript } from './reading.ts'

/**
 * A TypeScript script with the names of a Python one: its arguments, what it is given and gives, and at each
 * place the lines whose work goes there.
 */
export const skeletonOf = (script: PythonScript, name: string): string => {
  const nameOf = createNames()
  const batch = nameOf(script.batch)
  const args = script.arguments
    .filter(({ means }) => means === 'value')
    .map((one) => ({ one, constant: nameOf(one.name) }))
  const { usesModel, reads } = script
  // What is decoded goes into a model, whoever opens it.
  const needsModel = usesModel || reads === 'images'
  const init = [
    ...lineNote('init', script.init),
    ...args.map(({ one, constant }) => `  ${constant} = ${valueOf(one)}`),
    ...script.arguments.filter(({ means }) => means !== 'value').map(noteOf),
    ...(script.variables.length === 0
      ? []
      : [
          `  // Its environment: ${script.variables.map((one) => `context.environment['${one}']`).join(', ')}.`,
        ]),
    ...(needsModel ? ['  session = await context.session()'] : []),
  ]
  const types = ['MiniBatch', 'ScriptContext', ...(needsModel ? ['Session'] : [])]
  return [
    `// Made from ${name}: its names stand, its work is yours to fill in.`,
    `import type { ${types.join(', ')} } from 'muster-sdk/script'`,
    '',
    ...(needsModel ? ['let session: Session'] : []),
    ...args.map(({ one, constant }) => `let ${constant}: ${typeNames[one.kind]}`),
    ...(needsModel || args.length > 0 ? [''] : []),
    'export async function init(context: ScriptContext) {',
    ...init,
    '}',
    '',
    `export async function run(${batch}: MiniBatch, context: ScriptContext) {`,
    ...lineNote('run', script.run),
    ...(script.isPartitioned
      ? [
          '  // The keys that all its records have in common, by name.',
          `  const partition = ${batch}.partition`,
        ]
      : []),
    ...bodyOf(script, batch),
    '}',
    ...(script.shutdown === undefined
      ? []
      : [
          '',
          'export async function shutdown(context: ScriptContext) {',
          ...lineNote('shutdown', script.shutdown),
          '}',
        ]),
    ...script.helpers.flatMap((one) => ['', `// ${one.name}() goes here: ${linesOf(one)}.`]),
  ].join('\n')
}

const typeNames = { text: 'string', number: 'number', flag: 'boolean' } as const

const linesOf = ({ first, last }: Lines): string =>
  first === last ? `line ${first}` : `lines ${first} to ${last}`

const lineNote = (name: string, lines: Lines | undefined): readonly string[] =>
  lines === undefined ? [] : [`  // ${name}() of the Python script: ${linesOf(lines)}.`]

/** Arguments are texts, or true where nothing follows them. */
const valueOf = ({ name, kind, fallback }: PythonArgument): string => {
  const value = `context.arguments[${quoted(name)}]`
  if (kind === 'flag') return `${value} === true`
  if (kind === 'number') {
    const number = Number(fallback)
    return `Number(${value} ?? ${fallback !== '' && Number.isFinite(number) ? number : 'NaN'})`
  }
  return `String(${value} ?? ${quoted(fallback)})`
}

const noteOf = ({ name, means }: PythonArgument): string =>
  means === 'model'
    ? `  // --${name}: the job's model, which context.session() opens; context.modelPath() is its file.`
    : `  // --${name}: files of its own go below context.outputDirectory.`

const bodyOf = (script: PythonScript, batch: string): readonly string[] => {
  const files = script.writesFiles
    ? ['  // Files of its own go below context.outputDirectory.']
    : []
  switch (script.reads) {
    case 'images':
      return [...imageLines(script.pictures, batch), ...files, ...imageEnd]
    case 'table':
      return [...tableLines(script, batch), ...files, ...(script.usesModel ? modelEnd : tableEnd)]
    case 'files':
      return [
        '  const results: object[] = []',
        `  for (const item of ${batch}) {`,
        '    const bytes = await item.bytes()',
        '    results.push({ key: item.name, bytes: bytes.length })',
        '  }',
        ...(script.usesModel
          ? [
              '  // const outputs = await session.run({ [session.inputs[0].name]: { data: new Float32Array(3), shape: [1, 3] } })',
            ]
          : []),
        ...files,
        '  return results',
      ]
  }
}

const imageLines = (pictures: Pictures, batch: string): readonly string[] => {
  const { width, height, channels, layout, isScaled, isSized, isFlat } = pictures
  const options = [
    `width: ${width}`,
    `height: ${height}`,
    ...(channels === 'gray' ? ["channels: 'gray'"] : []),
    ...(layout === 'NHWC' && !isFlat ? ["layout: 'NHWC'"] : []),
    ...(isScaled ? ['scale: 1 / 255'] : []),
  ]
  const feed = isFlat
    ? `{ [session.inputs[0].name]: { data: await images.data(), shape: [images.items.length, ${width * height}] } }`
    : 'images'
  return [
    ...(isSized ? [] : ['  // Width and height are those that the model wants.']),
    `  const images = await context.decodeImages(${batch}, { ${options.join(', ')} })`,
    `  const outputs = await session.run(${feed})`,
    '  const best = await outputs[session.outputs[0].name].argmax()',
  ]
}

const tableLines = ({ opensTables, usesModel }: PythonScript, batch: string): readonly string[] => [
  ...(opensTables
    ? [
        '  // It opened its files by itself: with `type: table` and `format: csv` (or the like) at the input',
        '  // their records come here.',
      ]
    : []),
  `  const rows = await ${batch}.rows()`,
  ...(usesModel
    ? [
        `  const data = Float32Array.from(rows.flatMap((row) => ${batch}.columns.map((column) => Number(row[column]))))`,
        `  const outputs = await session.run({ [session.inputs[0].name]: { data, shape: [rows.length, ${batch}.columns.length] } })`,
        '  const answers = await outputs[session.outputs[0].name].data()',
      ]
    : []),
]

/** One element for each item that succeeded. */
const imageEnd = ['  return images.items.map((item, i) => ({ key: item.name, answer: best[i] }))']
const modelEnd = [
  '  const width = answers.length / rows.length',
  '  return rows.map((row, i) => ({ ...row, answer: Number(answers[i * width]) }))',
]
const tableEnd = ['  return rows.map((row) => ({ ...row }))']

const camelCase = (name: string): string =>
  name.replace(/[_-]+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase())

/** Words that no name in a module may be, and the names that stand in a skeleton already. */
const taken: readonly string[] = (
  'await break case catch class const continue debugger default delete do else enum export extends false ' +
  'finally for function if implements import in instanceof interface let new null package private protected ' +
  'public return static super switch this throw true try typeof var void while with yield arguments eval ' +
  'undefined NaN Infinity Number String Float32Array MiniBatch ScriptContext Session ' +
  'session context images outputs best rows data answers width results item bytes partition row i column ' +
  'init run shutdown'
).split(' ')

/** Gives each name once, with a _ behind those that cannot be had. */
const createNames = (): ((written: string) => string) => {
  const given = new Set(taken)
  return (written) => {
    const plain = camelCase(written).replaceAll(/[^\w$]/g, '')
    let name = /^[A-Za-z_$]/.test(plain) ? plain : `_${plain}`
    while (given.has(name)) name += '_'
    given.add(name)
    return name
  }
}

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`
