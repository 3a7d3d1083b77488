import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'

/** ONNX Runtime's commonest complaints about a model, and what they mean to a person. */
const causes: readonly {
  readonly pattern: RegExp
  readonly say: (groups: RegExpExecArray) => string
}[] = [
  {
    pattern: /([\w.:]*?)(\w+)\((-?\d+)\) is not a registered function\/op/,
    say: ([, , operator, version]) =>
      `it uses the operator "${operator}" in version ${version}, which this runtime does not have: export it with another opset`,
  },
  {
    pattern: /No Op registered for (\w+) with domain_version of (\d+)/,
    say: ([, operator, version]) =>
      `it uses the operator "${operator}", which opset ${version} does not have: export it with another opset`,
  },
  {
    pattern: /Could not find an implementation for (?:the node )?(\S*?):?(\w+)\((\d+)\)/,
    say: ([, , operator]) =>
      `its operator "${operator}" cannot be computed on this machine with the types it is used with: export it with float32`,
  },
  {
    pattern: /(?:Unsupported model IR version|opset \d+ is under development)/i,
    say: () => 'it is made for a newer ONNX than this runtime knows: export it with an older opset',
  },
  {
    pattern: /bad_alloc|Failed to allocate memory/i,
    say: () => 'there is not enough memory for it: use a smaller model or allow more memory',
  },
  {
    pattern:
      /Type Error|ShapeInferenceError|TypeInferenceError|Incompatible dimensions|Invalid (?:model|graph)/i,
    say: () => 'types or shapes inside it contradict each other: export it again',
  },
  {
    pattern: /external (?:data|initializer)|GetFileLength|No such file/i,
    say: () =>
      'its external data file is missing or too short: register it again with all its files',
  },
  {
    pattern: /Protobuf parsing failed/i,
    say: () => 'the file is damaged: register the model again',
  },
]

/** Why a model could not be loaded. ONNX Runtime's own words are in `detail`. */
export const explainLoad = (model: string, thrown: unknown): MusterError => {
  const detail = thrownToText(thrown)
  for (const { pattern, say } of causes) {
    const groups = pattern.exec(detail)
    if (groups !== null) return initFailed(model, say(groups), detail)
  }
  return initFailed(model, 'ONNX Runtime refuses it: check that it runs elsewhere', detail)
}

const initFailed = (model: string, cause: string, detail: string): MusterError =>
  musterError('InitFailed', `The model ${model} could not be loaded: ${cause}.`, { detail })

const longestWords = 300

/** Why a model failed on a batch: one sentence with the end of ONNX Runtime's own words. */
export const explainRun = (model: string, thrown: unknown): string => {
  const words = (thrown instanceof Error ? thrown.message : String(thrown))
    .replace(/\s+/g, ' ')
    .trim()
  const node = /running (\w+) node\. Name:'([^']*)'/.exec(words)
  const where = node === null ? '' : ` in its ${node[1]} operator "${node[2]}"`
  const told = words.replace(/^.*Status Message: /, '').replace(/^\S+\.(?:cc|h):\d+ .*?\) /, '')
  return `The model ${model} failed${where}: ${told.slice(0, longestWords).replace(/[.\s]+$/, '')}.`
}
