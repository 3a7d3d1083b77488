/** What may stand between `${{` and `}}` in an Azure ML file. */
export type AzureExpression =
  /** `inputs.x` inside a step. */
  | { readonly kind: 'input'; readonly name: string }
  /** `outputs.x` inside a step. */
  | { readonly kind: 'output'; readonly name: string }
  /** `parent.inputs.x`: an input of the whole pipeline. */
  | { readonly kind: 'parent-input'; readonly name: string }
  /** `parent.outputs.x` */
  | { readonly kind: 'parent-output'; readonly name: string }
  /** `parent.jobs.s.outputs.x`: what another step gives. */
  | { readonly kind: 'step-output'; readonly step: string; readonly name: string }
  /** `name`, `default_datastore`: what the service fills in. */
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'unknown' }

/** A text cut at its expressions. */
export type AzurePart = string | { readonly written: string; readonly expression: AzureExpression }

const written = /\$\{\{\s*([^{}]*?)\s*\}\}/g

/** Cuts a text at its expressions; a text without any comes back whole. */
export const cutExpressions = (text: string): readonly AzurePart[] => {
  const parts: AzurePart[] = []
  let end = 0
  for (const match of text.matchAll(written)) {
    if (match.index > end) parts.push(text.slice(end, match.index))
    parts.push({ written: match[0], expression: parse(match[1] ?? '') })
    end = match.index + match[0].length
  }
  if (end < text.length || parts.length === 0) parts.push(text.slice(end))
  return parts
}

/** The expression, if the whole text is one. */
export const soleExpression = (value: unknown): AzureExpression | undefined => {
  if (typeof value !== 'string') return undefined
  const [only, second] = cutExpressions(value.trim())
  return typeof only === 'object' && second === undefined ? only.expression : undefined
}

const forms: readonly {
  readonly form: RegExp
  readonly make: (names: readonly string[]) => AzureExpression
}[] = [
  { form: /^(name|default_datastore)$/, make: ([name = '']) => ({ kind: 'service', name }) },
  { form: /^inputs\.([^\s.]+)$/, make: ([name = '']) => ({ kind: 'input', name }) },
  { form: /^outputs\.([^\s.]+)$/, make: ([name = '']) => ({ kind: 'output', name }) },
  {
    form: /^parents?\.inputs\.([^\s.]+)$/,
    make: ([name = '']) => ({ kind: 'parent-input', name }),
  },
  {
    form: /^parents?\.outputs\.([^\s.]+)$/,
    make: ([name = '']) => ({ kind: 'parent-output', name }),
  },
  {
    form: /^parents?\.jobs\.([^\s.]+)\.outputs\.([^\s.]+)$/,
    make: ([step = '', name = '']) => ({ kind: 'step-output', step, name }),
  },
]

const parse = (inside: string): AzureExpression => {
  for (const { form, make } of forms) {
    const match = form.exec(inside)
    if (match !== null) return make(match.slice(1))
  }
  return { kind: 'unknown' }
}
