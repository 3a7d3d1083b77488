import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Millis } from '#protocol/model/ids.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { limits } from '#protocol/limits.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { StoreCare } from '#agent/ports/store-care.ts'
import type { Views } from '#agent/ports/views.ts'
import { createStoreCare, sweepCheckCopies } from './care.ts'
import type { SegmentRules } from '#protocol/wire/ledger/segment-rules.ts'
import { createLedger } from './ledger.ts'
import type { ReaderCalls } from './reader-thread.ts'
import { createRewriter } from './rewrite.ts'
import { createRowDropper } from './row-dropper.ts'
import type { ThreadOptions } from './thread/calls.ts'
import { startRestingThread } from './thread/resting.ts'
import { createViews } from './views.ts'
import type { WriterCalls, WriterReady } from './writer-thread.ts'

/** The agent's one database: the ledger, and the views folded from it. Disposing finishes what was begun. */
export interface Store extends AsyncDisposable {
  readonly ledger: Ledger
  readonly views: Views
  /** Absolute path of the database. */
  readonly file: string
  readonly care: StoreCare
}

export interface StoreDeps {
  /** The agent's home; created if it is not there. */
  readonly folder: string
  readonly keys: Pick<Keys, 'self'>
  readonly rules: SegmentRules
  readonly log: Log
  /** The database never grows beyond this many bytes; undefined: as far as the disk goes. */
  readonly maxBytes?: number
  /** Its threads end when nothing is asked of them for this long; they start again by themselves. */
  readonly restMs?: Millis
  /** See `ThreadOptions`. */
  readonly rewrittenBytes?: number
}

/** Opens `muster.db`. `HomeNotWritable`, `DiskFull` or `StoreBroken` in words. */
export const openStore = async (deps: StoreDeps): Promise<Result<Store, MusterError>> => {
  const file = join(deps.folder, 'muster.db')
  const options: ThreadOptions = {
    file,
    ...(deps.maxBytes === undefined ? {} : { maxBytes: deps.maxBytes }),
    ...(deps.rewrittenBytes === undefined ? {} : { rewrittenBytes: deps.rewrittenBytes }),
  }
  const rewriter = createRewriter({ file, log: deps.log })
  await using opened = new AsyncDisposableStack()
  try {
    await mkdir(deps.folder, { recursive: true })
    await sweepCheckCopies(deps.folder)
    const { restMs = limits.storeRestMs } = deps
    const { thread: writer, ready } = await startRestingThread<WriterCalls>(
      new URL('./writer-thread.ts', import.meta.url),
      options,
      { restMs, meanwhile: (isWanted) => (isWanted === true ? rewriter.begin() : undefined) },
    )
    opened.use(writer)
    const { thread: reader } = await startRestingThread<ReaderCalls>(
      new URL('./reader-thread.ts', import.meta.url),
      options,
      { restMs },
    )
    opened.use(reader)
    const dropper = opened.use(createRowDropper({ writer, log: deps.log }))
    const known = ready as WriterReady
    if (known.rowsLeft) dropper.look()
    const ledger = createLedger({
      ...deps,
      self: deps.keys.self,
      writer,
      reader,
      ready: known,
      rowsLeft: dropper.look,
    })
    opened.use(ledger)
    const owned = opened.move()
    const dispose = () => owned.disposeAsync()
    return ok({
      ledger: { ...ledger, [Symbol.asyncDispose]: dispose },
      views: createViews({ reader, writer, rowsLeft: dropper.look }),
      file,
      care: createStoreCare({
        ...deps,
        file,
        self: deps.keys.self,
        cluster: ledger.cluster,
      }),
      [Symbol.asyncDispose]: dispose,
    })
  } catch (thrown) {
    return err(thrown instanceof MusterFailure ? thrown.error : notWritable(deps.folder, thrown))
  }
}

const notWritable = (folder: string, thrown: unknown): MusterError =>
  musterError(
    'HomeNotWritable',
    `The folder ${folder} cannot be written: check who owns it and its permissions, or choose another home.`,
    { detail: thrownToText(thrown) },
  )
