import { exportOf } from './python/exporters.ts'
import type { Export } from './python/exporters.ts'
import { readPython } from './python/reading.ts'
import { skeletonOf } from './python/skeleton.ts'

/**
 * What to do about a Python entry script: the command that turns its model into ONNX, and a TypeScript script
 * to begin with that has its names. Read by patterns, since no Python runs here: what they miss is left to the
 * person, and nothing of it is executed.
 */
export interface PythonAdvice extends Export {
  /** The script to begin with. */
  readonly skeleton: string
}

/** @param source text of the script; empty if it could not be read, then the usual names are taken */
export const adviseOnPython = (source: string, name: string): PythonAdvice => ({
  ...exportOf(source),
  skeleton: skeletonOf(readPython(source), name),
})
