import process from 'node:process'

/** ONNX Runtime's names of what can compute. */
export type Provider = 'cpu' | 'cuda' | 'tensorrt' | 'dml' | 'coreml' | 'webgpu'

/**
 * Graphics providers of a platform, best first: the order in which `gpu` tries them. TensorRT is not among
 * them: it builds an engine for minutes before the first number, so a job must name it.
 */
const graphics: Partial<Record<NodeJS.Platform, readonly Provider[]>> = {
  linux: ['cuda', 'webgpu'],
  win32: ['cuda', 'dml', 'webgpu'],
  darwin: ['coreml', 'webgpu'],
}

/** Providers that are probed but only used when a job names them. */
const byNameOnly: Partial<Record<NodeJS.Platform, readonly Provider[]>> = { linux: ['tensorrt'] }

export const graphicsProviders = (platform = process.platform): readonly Provider[] =>
  graphics[platform] ?? ['webgpu']

/** Everything a job may name on this platform besides `cpu`. */
export const probedProviders = (platform = process.platform): readonly Provider[] => [
  ...graphicsProviders(platform),
  ...(byNameOnly[platform] ?? []),
]

const all: ReadonlySet<string> = new Set<Provider>([
  'cpu',
  'cuda',
  'tensorrt',
  'dml',
  'coreml',
  'webgpu',
])
export const isProvider = (name: string): name is Provider => all.has(name)

/** What people call them. */
export const providerTitle: Readonly<Record<Provider, string>> = {
  cpu: 'the processor',
  cuda: 'CUDA (NVIDIA)',
  tensorrt: 'TensorRT (NVIDIA)',
  dml: 'DirectML (Windows)',
  coreml: 'Core ML (Apple)',
  webgpu: 'WebGPU (Vulkan, Direct3D 12 or Metal)',
}

/** How a runtime process finds what computes a model; said by its agent, which knows what was probed. */
export type DevicePlan =
  /** The first that loads the model computes it. */
  | { readonly kind: 'first'; readonly providers: readonly Provider[] }
  /** The processor, unless one of these agrees with it and is faster on the first batch. */
  | { readonly kind: 'measure'; readonly candidates: readonly Provider[] }

export const onProcessor: DevicePlan = { kind: 'first', providers: ['cpu'] }

/** What a runtime process says when it knows, or has to change, what computes. */
export interface DeviceChoice {
  readonly provider: Provider
  /** Why, in one sentence. */
  readonly message: string
}
