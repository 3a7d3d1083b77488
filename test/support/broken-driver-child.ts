import { writeSync } from 'node:fs'
import process from 'node:process'

// Stands for a probe process on a machine with broken drivers: CUDA's crashes, DirectML's hangs, Core ML's
// talks nonsense and then throws, and WebGPU works.
const say = (line: unknown): void => void writeSync(3, `${JSON.stringify(line)}\n`)
for (const provider of process.argv.slice(2)) {
  say({ trying: provider })
  if (provider === 'cuda') process.kill(process.pid, 'SIGSEGV')
  if (provider === 'dml') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (provider === 'coreml') {
    writeSync(3, 'not JSON\n[]\n')
    say({ provider: 'nobody' })
    say({ provider, words: 'Error: something.cc:12 the neural engine is asleep' })
  } else say({ provider })
}
