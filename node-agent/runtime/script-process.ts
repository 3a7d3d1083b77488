import { serveScript } from './script/guest/serve.ts'

// The root of a script process: the user's entry script under Node's permission model, started as
// `script/script-host.ts` does. It may read this file and what it imports, nothing else of ours: see
// `script/sandbox.ts`, which lists them.

/** Pipe to the runtime process, so that nothing a script prints can get among the frames. */
const frames = 3

serveScript(frames)
