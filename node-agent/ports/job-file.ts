import type { MusterError } from '#protocol/errors.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { JobDraft } from '#protocol/model/job.ts'
import type { ParameterValue, PipelineStep, ScheduleTrigger } from '#protocol/model/pipeline.ts'
import type { Dataset, Datastore } from '#protocol/model/registry.ts'
import type { Result } from '#protocol/model/result.ts'

/** What the names of data in a job file mean. */
export interface KnownData {
  /** The agent that reads. */
  readonly self: PeerId
  readonly nameOf: (peer: PeerId) => string
  /** Those that count, with the default one. */
  readonly datastores: readonly Datastore[]
  /** All versions. */
  readonly datasets: readonly Dataset[]
  readonly pools: readonly string[]
}

/** Reads job files. */
export interface JobFileReader {
  /**
   * Checks a job file's text and gives a spec without the model's bytes and with the input's absolute
   * root, which is empty for an input in a share: only settings know where that lies. Every error carries line and column, and a suggestion for a misspelt field.
   */
  readonly read: (
    text: string,
    file: string,
    overrides: Readonly<Record<string, string | number | boolean>>,
    known?: KnownData,
  ) => Result<JobFile, MusterError>
  /**
   * Reads what is submitted as one run: a pipeline file, or a job file, which gives a run of one step.
   * References to parameters are filled in; a wired input has an empty root. Errors are like those of `read`.
   */
  readonly readRun: (text: string, file: string, given: GivenValues) => Result<RunFile, MusterError>
  /** The file as plain values, whatever they mean. `JobFileInvalid` where it is no YAML map */
  readonly parse: (text: string, file: string) => Result<ParsedFile, MusterError>
}

/** A file whose fields nobody has looked at. */
export interface ParsedFile {
  readonly kind: 'job' | 'pipeline' | 'azure'
  readonly fields: Readonly<Record<string, unknown>>
}

/** What stands beside a file when it is submitted. */
export interface GivenValues {
  readonly parameters: Readonly<Record<string, ParameterValue>>
  /** By dotted names; those of a pipeline's steps begin with `steps.NAME.` */
  readonly overrides: Readonly<Record<string, ParameterValue>>
  /** Left out: the file can name no datastores and datasets. */
  readonly known?: KnownData
  /** An earlier run has the scripts, so none need be there. Left out: false. */
  readonly isAgain?: boolean
}

/** A checked file with all its steps, before models are looked up and scripts are bundled. */
export interface RunFile {
  readonly name: string
  readonly experiment: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  readonly parameters: Readonly<Record<string, ParameterValue>>
  readonly continueOnStepFailure: boolean
  readonly regenerateOutputs: boolean
  readonly schedule?: WantedSchedule
  readonly steps: readonly StepFile[]
  /**
   * The text with the other files that it names put in, which stands for it when the run is started again;
   * left out where the text itself says all.
   */
  readonly whole?: string
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
}

/** A step of a run: its job, and how it hangs together with the others. */
export interface StepFile extends Pick<
  PipelineStep,
  'name' | 'wires' | 'after' | 'output' | 'allowReuse'
> {
  readonly job: JobFile
}

/** A schedule as a file names it; a folder's path is absolute. */
export interface WantedSchedule {
  readonly trigger: ScheduleTrigger
  readonly overlap: boolean
}

/** A checked job file: what it asks for, before the model is looked up. */
export interface JobFile {
  readonly spec: JobDraft
  /** Absent only where a script runs without a model that needs no name. */
  readonly model?: WantedModel
  /** Models that a script asks for by name; left out: none. */
  readonly models?: readonly WantedNamedModel[]
  /** Absolute paths; present exactly where `spec.runtime` is `node`. */
  readonly script?: { readonly entry: string; readonly sourceDirectory?: string }
  /** The machine that holds all inputs, if it is another one: their roots are absolute there. */
  readonly dataPeer?: PeerId
  /** Sentences about what was accepted but has no effect here, with their place. */
  readonly warnings: readonly string[]
}

/** One of several models. */
export interface WantedNamedModel {
  /** What the script asks for; undefined: the model's own name. */
  readonly alias?: string
  readonly wanted: WantedModel
}

/** A model as a job file names it. */
export type WantedModel =
  | { readonly kind: 'registered'; readonly name: string; readonly version?: number }
  | { readonly kind: 'path'; readonly path: string }
