/**
 * Which execution providers can be tried, best first. Only the processor for now: others must be probed
 * in a process of their own, since a missing one throws and a broken driver crashes.
 */
export const devices = (): readonly string[] => ['cpu']

/** Words of a job for "whatever is there". */
const anyDevice: ReadonlySet<string> = new Set(['', 'auto', 'cpu'])

/** Execution providers to ask ONNX Runtime for, in order; empty: the job wants what is not here. */
export const providersFor = (device: string): readonly string[] =>
  anyDevice.has(device) ? devices() : devices().filter((name) => name === device)
