import { Socket } from 'node:net'
import process from 'node:process'
import { workerData } from 'node:worker_threads'

// A thread of the worker process. Inference blocks the main thread, so it cannot notice that the agent is
// gone: this one ends the whole process when the pipe held by the agent closes, even inside native code.
const end = (): void => {
  process.kill(process.pid, 'SIGKILL')
}
const pipe = new Socket({ fd: Number(workerData), readable: true, writable: false })
pipe.on('close', end)
pipe.on('error', end)
pipe.resume()
