import { writeSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { Worker } from 'node:worker_threads'
import { isProvider } from './devices/providers.ts'

// The root of a process that tries execution providers, named on its command line, one after the other: a
// broken driver throws, hangs or crashes, and takes nothing but this process with it. Each line on
// descriptor 3 is JSON: `{"trying":"webgpu"}`, then `{"provider":"webgpu"}` with `"words"` if it failed.

/** Ends the process when the agent is gone, also from inside native code. */
const watchAgent = `
  const { Socket } = require('node:net')
  const end = () => process.kill(process.pid, 'SIGKILL')
  new Socket({ fd: 0, readable: true, writable: false }).on('close', end).on('error', end).resume()
`

const say = (line: object): void => {
  writeSync(3, `${JSON.stringify(line)}\n`)
}

setPriority(constants.priority.PRIORITY_LOW)
process.env['ORT_DISABLE_TELEMETRY'] = '1'
new Worker(watchAgent, { eval: true }).unref()
const { tryProvider } = await import('./devices/try-provider.ts')
for (const provider of process.argv.slice(2)) {
  if (!isProvider(provider)) continue
  say({ trying: provider })
  const words = await tryProvider(provider)
  say({ provider, ...(words === undefined ? {} : { words }) })
}
say({ done: true })
// Drivers that fail while they are unloaded have nothing left to spoil.
process.kill(process.pid, 'SIGKILL')
