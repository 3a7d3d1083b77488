import { checkOptions } from './check-options.ts'
import { loadConfig, saveConfig } from './config-file.ts'
import { optionTable } from './config-options.ts'
import type { ParallelRunConfigOptions } from './config-options.ts'
import type { Workspace } from './workspace.ts'

/** How a step runs. Made once, used by any number of steps. */
export class ParallelRunConfig {
  readonly options: ParallelRunConfigOptions

  constructor(options: ParallelRunConfigOptions) {
    checkOptions('ParallelRunConfig', options, optionTable)
    this.options = options
  }

  /**
   * Reads what `saveToYaml` wrote, or a person with the names of a job file; the agent reads the YAML.
   * @throws MusterFailure `JobFileMissing`, `JobFileInvalid`, `RequestInvalid` for a field that is none
   */
  static async loadYaml(workspace: Workspace, path: string): Promise<ParallelRunConfig> {
    return new ParallelRunConfig(await loadConfig(workspace, path))
  }

  /** Writes it with the names of a job file; of a parameter its default, as Azure does. Answers the path. */
  saveToYaml(path: string): Promise<string> {
    return saveConfig(this.options, path)
  }

  /** The same with some things changed. */
  with(changes: Partial<ParallelRunConfigOptions>): ParallelRunConfig {
    return new ParallelRunConfig({ ...this.options, ...changes })
  }
}
