import { flushCompileCache } from 'node:module'
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { Worker } from 'node:worker_threads'

// The root of a runtime process: our code around ONNX Runtime, sharp and upng-js, started by the agent as
// `child-process.ts` does. It ends by SIGKILL or when the agent is gone.

/** Standard input, held open by the agent as a sign of life. */
const lifeline = 0
/** Pipe for frames, so that nothing a library prints can get among them. */
const frames = 3

/**
 * A thread that ends the process when the lifeline closes. Inference blocks the main thread, which cannot
 * notice by itself, even inside native code, that the agent is gone. It is text, since a thread that has to
 * load TypeScript takes 30 ms of processor time more.
 */
const watchAgent = `
  const { Socket } = require('node:net')
  const { workerData } = require('node:worker_threads')
  const { lifeline, script } = workerData
  const end = () => {
    // A script in an endless loop cannot notice that it is alone.
    try { if (script[0] > 0) process.kill(script[0], 'SIGKILL') } catch {}
    process.kill(process.pid, 'SIGKILL')
  }
  const pipe = new Socket({ fd: lifeline, readable: true, writable: false })
  pipe.on('close', end)
  pipe.on('error', end)
  pipe.resume()
`

// Before any library is loaded: threads inherit the priority, and ONNX Runtime reads the environment then.
setPriority(constants.priority.PRIORITY_LOW)
process.env['ORT_DISABLE_TELEMETRY'] = '1'
/** Process id of the script process, once there is one. */
const script = new Int32Array(new SharedArrayBuffer(4))
new Worker(watchAgent, { eval: true, workerData: { lifeline, script } }).unref()
const { serve } = await import('./child/serve.ts')
await serve(frames, flushCompileCache, (pid) => {
  script[0] = pid
})
