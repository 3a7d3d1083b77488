import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { limits } from '#protocol/limits.ts'

/**
 * Each byte of bulk leaves two or three of garbage: what the socket read, what was decrypted, what was
 * encrypted. These buffers are large and die young, but V8 counts them as memory outside its heap, and its
 * answer to much of that is to mark the whole heap of the agent, every 30 MiB or so, with a thread a core: it
 * cost as much as the transfer itself. A look at the young generation alone takes a millisecond and frees them
 * all, so it is asked for before V8 does the other. The heap is the process's, hence one count for all streams.
 * See docs/adr/0016.
 */
export const sweepAfter = (bytes: number): void => {
  passed += bytes
  if (passed < limits.sweepBytes) return
  passed = 0
  collect ??= findCollector()
  collect({ type: 'minor' })
}

let passed = 0
let collect: Collector | undefined

type Collector = (options: { readonly type: 'minor' }) => void

/**
 * V8 shows its collector only to contexts that are made while this flag is set. It is taken back at once: kept
 * compiled code fits only the flags it was made under.
 */
const findCollector = (): Collector => {
  setFlagsFromString('--expose-gc')
  const found: unknown = runInNewContext('gc')
  setFlagsFromString('--no-expose-gc')
  return isCollector(found) ? found : () => undefined
}

const isCollector = (value: unknown): value is Collector => typeof value === 'function'
