import { parentPort } from 'node:worker_threads'
import { createDataPreview } from './preview.ts'
import type { FromPreviewThread, ToPreviewThread } from './threaded-preview.ts'

/** One look at a table, in a thread of its own: see threaded-preview.ts, which ends it. */
const port = parentPort
if (port === null) throw new Error('preview-thread.ts is no program')

const preview = createDataPreview()
const forever = new AbortController().signal

const look = (wish: ToPreviewThread): Promise<FromPreviewThread> =>
  wish.kind === 'first'
    ? preview.first(wish.input, wish.most, forever)
    : preview.sample(wish.input, wish.keys, wish.most, forever)

port.once('message', (wish: ToPreviewThread) => {
  void look(wish).then((found) => port.postMessage(found))
})
