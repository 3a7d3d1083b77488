import { checkOptions } from './check-options.ts'
import type { Maybe } from './parameter.ts'

export interface EnvironmentOptions {
  readonly name?: string
  /** `onnx` runs the model alone, `node` runs an entry script. Default: by whether there is a script. */
  readonly runtime?: 'onnx' | 'node'
  /** The script's environment; nothing else stands in it. */
  readonly environmentVariables?: Readonly<Record<string, Maybe<string>>>
}

/**
 * What a step runs in. There is no image to build: what a script imports is bundled into it when it is
 * submitted, and inference and image decoding come from the worker.
 */
export class Environment {
  readonly name: string
  readonly runtime: 'onnx' | 'node' | undefined
  readonly environmentVariables: Readonly<Record<string, Maybe<string>>>

  constructor(options: EnvironmentOptions = {}) {
    const table = { name: 'may', runtime: 'may', environmentVariables: 'may' } as const
    checkOptions<EnvironmentOptions>('Environment', options, table)
    const { name = '', runtime, environmentVariables = {} } = options
    this.name = name
    this.runtime = runtime
    this.environmentVariables = environmentVariables
  }
}
