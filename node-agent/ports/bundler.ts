import type { MusterError } from '#protocol/errors.ts'
import type { Result } from '#protocol/model/result.ts'

/** One file that travels with a script. */
export interface BundledFile {
  /** Relative to the source folder, with `/`. */
  readonly path: string
  /** The bundle's bytes, or the absolute path of a file that travels as it is. */
  readonly content: Uint8Array | { readonly file: string }
}

/** All of an entry script that travels. */
export interface BundledScript {
  /** Name of the script as people know it: `score.ts`. */
  readonly entry: string
  /** The bundle first: one ES module with its source map inside. */
  readonly files: readonly BundledFile[]
}

/** Turns an entry script and all it imports into one file that runs anywhere. */
export interface Bundler {
  /**
   * `ScriptMissing` if there is no such file; `ScriptInvalid`, in one sentence, for syntax errors, missing or
   * native packages, modules that scripts may not use, a script without `run`, and what is too large.
   */
  readonly bundle: (
    script: { readonly entry: string; readonly sourceDirectory?: string },
    signal: AbortSignal,
  ) => Promise<Result<BundledScript, MusterError>>
}
