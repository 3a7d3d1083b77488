import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { Worker } from 'node:worker_threads'

// The root of a runtime process: our code around ONNX Runtime, sharp and upng-js, started by the agent as
// `child-process.ts` does. It ends by SIGKILL or when the agent is gone.

/** Standard input, held open by the agent as a sign of life. */
const lifeline = 0
/** Pipe for frames, so that nothing a library prints can get among them. */
const frames = 3

// Before any library is loaded: threads inherit the priority, and ONNX Runtime reads the environment then.
setPriority(constants.priority.PRIORITY_LOW)
process.env['ORT_DISABLE_TELEMETRY'] = '1'
const watch = new Worker(new URL('child/agent-watch.ts', import.meta.url), { workerData: lifeline })
watch.unref()
const { serve } = await import('./child/serve.ts')
await serve(frames)
