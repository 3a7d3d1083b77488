import { providerTitle } from './providers.ts'
import type { Provider } from './providers.ts'

/** What a try of one provider gave. */
export interface ProviderFact {
  readonly provider: Provider
  /** Why it cannot be used: the end of a sentence that begins with its name. Undefined: it works. */
  readonly problem?: string
  /** The library's own words, for logs. */
  readonly detail?: string
  /** It hung, which a busy machine can cause: not to be remembered. */
  readonly passing?: true
}

/** ONNX Runtime's and Dawn's commonest complaints, and what they mean to a person. */
const causes: readonly { readonly pattern: RegExp; readonly problem: string }[] = [
  {
    pattern: /backend not found|not (?:in|part of) this build|is not supported in this build/i,
    problem: 'is not part of ONNX Runtime on this system',
  },
  {
    pattern: /load(?:ing)? (?:shared )?library|providers_shared|cannot open shared object/i,
    problem: 'has no library here: docs/devices.md says how to add it',
  },
  {
    pattern: /adapter/i,
    problem: 'finds no adapter: install or update the driver of the graphics card',
  },
  {
    pattern: /CUDA driver|no CUDA-capable|CUDA failure|cudaErr|CUDNN/i,
    problem: 'cannot use the NVIDIA card: install or update its driver, CUDA 12 and cuDNN 9',
  },
  {
    pattern: /out of memory|bad_alloc|allocate/i,
    problem: 'has not enough memory for it',
  },
]

const longestWords = 160

/** The end of a sentence that begins with the provider's name. */
export const explainProvider = (words: string): string => {
  const known = causes.find(({ pattern }) => pattern.test(words))
  return known?.problem ?? `fails: ${shorten(words)}`
}

/** A library's words without places in its source, on one line, without a full stop. */
export const shorten = (words: string): string =>
  words
    .replace(/\s+/g, ' ')
    .replace(/^Error: /, '')
    .replace(/^\S+\.(?:cc|h|cpp):\d+ /, '')
    .trim()
    .slice(0, longestWords)
    .replace(/[.\s]+$/, '')

/** One sentence for each provider: what `doctor` shows. */
export const describeFacts = (facts: readonly ProviderFact[]): readonly string[] =>
  facts.map(({ provider, problem }) =>
    problem === undefined
      ? `${provider}, ${providerTitle[provider]}, works here.`
      : `${provider}, ${providerTitle[provider]}, ${problem}.`,
  )
