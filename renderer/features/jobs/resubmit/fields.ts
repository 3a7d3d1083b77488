/** One field of a job file that may differ in the next run. */
export interface Field {
  /** Dotted name in a job file; the agent's sentences name it so. */
  readonly name: string
  readonly label: string
  readonly numeric: boolean
  /** Unit or meaning, after the label. */
  readonly hint: string
  /** Where an empty box means a default of the agent. */
  readonly placeholder: string
}

export type FileFields = Readonly<Record<string, unknown>>

const field = (
  name: string,
  label: string,
  more: { readonly numeric?: boolean; readonly hint?: string; readonly placeholder?: string } = {},
): Field => ({
  name,
  label,
  numeric: more.numeric ?? true,
  hint: more.hint ?? '',
  placeholder: more.placeholder ?? '',
})

const fixed: readonly Field[] = [
  field('mini_batch_size', 'Mini-batch size', { hint: 'items' }),
  field('run_invocation_timeout', 'Run limit', { hint: 'seconds for a mini-batch' }),
  field('run_max_try', 'Tries', { hint: 'for a mini-batch' }),
  field('error_threshold', 'Error threshold', { hint: 'failed items, -1: any' }),
  field('mini_batch_error_threshold', 'Mini-batch threshold', { hint: 'failed, -1: any' }),
  field('node_count', 'Machines', { placeholder: 'all of the pool' }),
  field('process_count_per_node', 'Processes a machine', { placeholder: 'as its owner allows' }),
]

/** The fields of a job's form: texts, which need room, and numbers. */
export const fieldsOf = (
  file: FileFields,
): { readonly wide: readonly Field[]; readonly small: readonly Field[] } => {
  const [input] = Object.keys(recordOf(file['inputs']))
  const hasOutput = file['output_action'] !== 'summary_only'
  return {
    wide: [
      field('name', 'Name', { numeric: false }),
      ...(hasOutput ? [field('append_row_file_name', 'Output file', { numeric: false })] : []),
      ...(input === undefined
        ? []
        : [field(`inputs.${input}.path`, 'Folder with the files', { numeric: false })]),
    ],
    small: fixed,
  }
}

/** What the form shows for a field: the recorded value as text, empty where it was left to the agent. */
export const textAt = (file: FileFields, { name }: Field): string => {
  const input = /^inputs\.(.+)\.path$/.exec(name)?.[1]
  const value = input === undefined ? file[name] : recordOf(recordOf(file['inputs'])[input])['path']
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

/** Only what differs, as the agent wants it: numbers as numbers, an emptied box as null. */
export const changesOf = (
  file: FileFields,
  fields: readonly Field[],
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string | number | null>> => {
  const changes: Record<string, string | number | null> = {}
  for (const each of fields) {
    const text = (texts[each.name] ?? textAt(file, each)).trim()
    if (text === textAt(file, each)) continue
    const isNumber = each.numeric && /^-?\d+(\.\d+)?$/.test(text)
    changes[each.name] = text === '' ? null : isNumber ? Number(text) : text
  }
  return changes
}

/** The field that a sentence of the agent is about, if it is one of the form. */
export const fieldAbout = (fields: readonly Field[], sentence: string): Field | undefined =>
  fields.find(({ name }) => sentence.includes(`"${name}"`)) ??
  // A folder that is missing or empty is named by its input or itself.
  (/\b(folder|input)\b/i.test(sentence)
    ? fields.find(({ name }) => name.startsWith('inputs.'))
    : undefined)

const recordOf = (value: unknown): FileFields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as FileFields) : {}
