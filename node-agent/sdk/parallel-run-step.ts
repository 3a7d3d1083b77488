import { checkInstance, checkOptions, refused } from './check-options.ts'
import type { OptionTable } from './check-options.ts'
import { NamedInput } from './dataset.ts'
import type { Model } from './model.ts'
import { ParallelRunConfig } from './parallel-run-config.ts'
import type { Maybe } from './parameter.ts'
import { PipelineData, StepOutput } from './pipeline-data.ts'

/** Something that a step reads: a dataset under a name, or another step's output. */
export type StepInput = NamedInput | StepOutput | PipelineData

export interface ParallelRunStepOptions {
  /** 3 to 32 characters: small letters, digits and hyphens, a letter first and no hyphen last. */
  readonly name: string
  readonly parallelRunConfig: ParallelRunConfig
  /** What is split into mini-batches: all of one kind. */
  readonly inputs: readonly StepInput[]
  /** What is not split: present on every worker, given to the script by name. */
  readonly sideInputs?: readonly StepInput[]
  readonly output?: PipelineData
  /** Given to the script as they are. */
  readonly arguments?: readonly Maybe<string | number>[]
  /** A registered model, its `name` or `name:version`, or the path of an `.onnx` file. */
  readonly model?: Maybe<Model | string>
  /** Several models by the names under which the script asks for them: `context.session(name)`. */
  readonly models?: Readonly<Record<string, Maybe<Model | string>>>
  readonly allowReuse?: Maybe<boolean>
  readonly description?: Maybe<string>
  readonly tags?: Readonly<Record<string, Maybe<string>>>
  /** Steps that must have ended before this one starts, besides those it reads from. */
  readonly runAfter?: readonly ParallelRunStep[]
}

/** One job of a pipeline: an input, a script or a model, and how it runs. */
export class ParallelRunStep {
  readonly options: ParallelRunStepOptions

  constructor(options: ParallelRunStepOptions) {
    checkOptions('ParallelRunStep', options, optionTable)
    const { name, parallelRunConfig, inputs, sideInputs = [] } = options
    const of = `The parallelRunConfig of step "${name}"`
    checkInstance(of, parallelRunConfig, ParallelRunConfig, 'a ParallelRunConfig')
    checkInputs(name, 'inputs', inputs)
    checkInputs(name, 'sideInputs', sideInputs)
    this.options = options
  }

  get name(): string {
    return this.options.name
  }
}

const optionTable: OptionTable<ParallelRunStepOptions> = {
  name: 'needed',
  parallelRunConfig: 'needed',
  inputs: 'needed',
  sideInputs: 'may',
  output: 'may',
  arguments: 'may',
  model: 'may',
  models: 'may',
  allowReuse: 'may',
  description: 'may',
  tags: 'may',
  runAfter: 'may',
}

const checkInputs = (step: string, option: 'inputs' | 'sideInputs', inputs: unknown): void => {
  if (!Array.isArray(inputs))
    throw refused(
      `"${option}" of step "${step}" is not a list; write it as [data.asNamedInput('NAME')].`,
    )
  const kinds = [NamedInput, StepOutput, PipelineData]
  if (!inputs.every((input) => kinds.some((kind) => input instanceof kind)))
    throw refused(
      `"${option}" of step "${step}" holds what is no input; name each dataset with data.asNamedInput('NAME').`,
    )
}
