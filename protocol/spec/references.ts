/**
 * References in a file: `${{parameters.size}}` stands for a parameter's value, `${{steps.find.output}}` for
 * what another step gives. Azure's own forms mean the same: `${{parent.inputs.size}}`,
 * `${{parent.jobs.find.outputs.found}}`.
 */

export type Reference =
  /** A parameter or an input of the whole file. */
  | { readonly kind: 'parameter'; readonly name: string }
  /** `output` is undefined where the step's one output is meant whatever its name. */
  | { readonly kind: 'output'; readonly step: string; readonly output?: string }

/** A text cut at its references. */
export type TextPart =
  string | { readonly written: string; readonly reference: Reference | undefined }

const written = /\$\{\{\s*([^{}]*?)\s*\}\}/g
const parameterForm = /^(?:parent\.)?(?:parameters|inputs)\.([^\s.]+)$/
const outputForm = /^(?:parent\.)?(?:steps|jobs)\.([^\s.]+)\.(?:output|outputs\.([^\s.]+))$/

/** The forms a reference may have, for sentences. */
export const referenceForms = '${{parameters.NAME}}, ${{inputs.NAME}} or ${{steps.STEP.output}}'

/** Reads what stands between the braces; undefined if it is no reference. */
export const parseReference = (inside: string): Reference | undefined => {
  const parameter = parameterForm.exec(inside)?.[1]
  if (parameter !== undefined) return { kind: 'parameter', name: parameter }
  const [, step, output] = outputForm.exec(inside) ?? []
  if (step === undefined) return undefined
  return { kind: 'output', step, ...(output === undefined ? {} : { output }) }
}

/** Cuts a text at its references; a text without any comes back whole. `reference` is undefined for a wrong one. */
export const cutReferences = (text: string): readonly TextPart[] => {
  const parts: TextPart[] = []
  let end = 0
  for (const match of text.matchAll(written)) {
    if (match.index > end) parts.push(text.slice(end, match.index))
    parts.push({ written: match[0], reference: parseReference(match[1] ?? '') })
    end = match.index + match[0].length
  }
  if (end < text.length || parts.length === 0) parts.push(text.slice(end))
  return parts
}
