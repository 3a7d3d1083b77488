/** Files that processes begin with: beside this one in the sources, in the agent's bundle where there is one. */
export const runtimeRoot = new URL('./runtime-process.ts', import.meta.url)
/** Tries execution providers. */
export const probeRoot = new URL('./probe-process.ts', import.meta.url)
/** In a bundle it is all in this one file. */
export const scriptRoot = new URL('./script-process.ts', import.meta.url)
