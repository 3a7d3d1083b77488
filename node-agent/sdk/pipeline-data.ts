import type { InputMode } from './dataset.ts'

/** A step's output by name, unique in each run, and usable as a later step's input. */
export class PipelineData {
  /** Letters, digits and `_`. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  /** The rows of this output as records of a table, under the name by which the reading step knows them. */
  asNamedInput(name: string): StepOutput {
    return new StepOutput(this, name)
  }

  /** As `asNamedInput`, under its own name. */
  asMount(): StepOutput {
    return this.asNamedInput(this.name)
  }

  /** All of it is on a machine, checked, before the first mini-batch runs there. */
  asDownload(): StepOutput {
    return this.asMount().asDownload()
  }

  /** The script opens the files itself, where they lie. */
  asDirect(): StepOutput {
    return this.asMount().asDirect()
  }
}

/** An output as the input of another step. */
export class StepOutput {
  readonly data: PipelineData
  readonly name: string
  readonly mode: InputMode

  constructor(data: PipelineData, name: string, mode: InputMode = 'mount') {
    this.data = data
    this.name = name
    this.mode = mode
  }

  /** Items are fetched as they are needed, or opened where they lie. */
  asMount(): StepOutput {
    return new StepOutput(this.data, this.name, 'mount')
  }

  /** All of it is on a machine, checked, before the first mini-batch runs there. */
  asDownload(): StepOutput {
    return new StepOutput(this.data, this.name, 'download')
  }

  /** The script opens the files itself, where they lie. */
  asDirect(): StepOutput {
    return new StepOutput(this.data, this.name, 'direct')
  }
}
