import { checkOptions } from './check-options.ts'

/** A value that stands for itself or is chosen when a pipeline is submitted. */
export type Maybe<T> = T | PipelineParameter

/** Values for the parameters of one run, by name. */
export type ParameterValues = Readonly<Record<string, string | number | boolean>>

export interface PipelineParameterOptions {
  /** Letters, digits, `_` and `-`, a letter first. */
  readonly name: string
  /** Without one, every submission must give a value. */
  readonly defaultValue?: string | number | boolean
  readonly description?: string
}

/** A named value of a pipeline that each run may change. `"1"` and `1` mean the same. */
export class PipelineParameter {
  readonly name: string
  readonly defaultValue: string | number | boolean | undefined
  readonly description: string | undefined

  constructor(options: PipelineParameterOptions) {
    const table = { name: 'needed', defaultValue: 'may', description: 'may' } as const
    checkOptions<PipelineParameterOptions>('PipelineParameter', options, table)
    const { name, defaultValue, description } = options
    this.name = name
    this.defaultValue = defaultValue
    this.description = description
  }

  /** As files refer to it. */
  get reference(): string {
    return `\${{parameters.${this.name}}}`
  }
}
