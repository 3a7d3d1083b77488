/** A step's output by name, unique in each run, and usable as a later step's input. */
export class PipelineData {
  /** Letters, digits and `_`. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** The rows of this output as records of a table, under the name by which the reading step knows them. */
  asNamedInput(name: string): StepOutput {
    return { data: this, name }
  }
}

/** An output as the input of another step. */
export interface StepOutput {
  readonly data: PipelineData
  readonly name: string
}
