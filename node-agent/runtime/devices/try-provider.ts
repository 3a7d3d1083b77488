import { InferenceSession, Tensor, listSupportedBackends } from 'onnxruntime-node'
import { thrownToText } from '#protocol/errors.ts'
import type { Provider } from './providers.ts'

/**
 * A convolution of a 4 x 4 picture with the numbers 1 to 9, as `test/unit/runtime/devices.test.ts` makes it: the
 * agent's libraries that could write it are not for this process.
 */
export const convolution =
  'CAgSDG11c3Rlci10ZXN0cxoBMTqHAQoPCgF4CgF3EgF5IgRDb252EgVncmFwaCozCAEIAQgDCAMQAUIBd0okAACAPwAAAEAAAEBAAACA' +
  'QAAAoEAAAMBAAADgQAAAAEEAABBBWhsKAXgSFgoUCAESEAoCCAEKAggBCgIIBAoCCARiGwoBeRIWChQIARIQCgIIAQoCCAEKAggCCgII' +
  'AkIECgAQEQ=='

const picture = Float32Array.from({ length: 16 }, (_, at) => at)
/** Worked out by hand: sums of nine products. */
const due = [303, 348, 483, 528]

/** Loads a small model on a provider and computes with it. Undefined: it works; else why not. */
export const tryProvider = async (provider: Provider): Promise<string | undefined> => {
  const here = listSupportedBackends().map(({ name }) => name)
  if (!here.includes(provider)) return `[${provider}] backend not found.`
  try {
    const session = await InferenceSession.create(Buffer.from(convolution, 'base64'), {
      executionProviders: [provider],
      logSeverityLevel: 4,
      // Else the processor would quietly compute what the provider cannot.
      ...(provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
    })
    const { y } = await session.run({ x: new Tensor('float32', picture, [1, 1, 4, 4]) })
    const numbers = y === undefined ? [] : Array.from(y.data as Float32Array)
    const right = due.every((number, at) => Math.abs(number - (numbers[at] ?? 0)) < 0.5)
    return right
      ? undefined
      : `it computes [${numbers.join(', ')}] where [${due.join(', ')}] is due`
  } catch (thrown) {
    return thrownToText(thrown)
  }
}
