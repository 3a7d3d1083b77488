import type { Blobs } from '#agent/ports/blobs.ts'
import type { Bundler } from '#agent/ports/bundler.ts'
import type { Chunks } from '#agent/ports/chunks.ts'
import type { Clock } from '#agent/ports/clock.ts'
import type {
  ContentDigest,
  DataFolders,
  DataPreview,
  SameUser,
  Shares,
} from '#agent/ports/data.ts'
import type { Downloads } from '#agent/ports/downloads.ts'
import type { ItemReader } from '#agent/ports/items.ts'
import type { JobFileReader } from '#agent/ports/job-file.ts'
import type { Planner, PlanReader } from '#agent/ports/plan.ts'
import type { Exports } from '#agent/ports/exports.ts'
import type { HostProbe } from '#agent/ports/host-probe.ts'
import type { HostSignals } from '#agent/ports/host.ts'
import type { Keys } from '#agent/ports/keys.ts'
import type { JobLeavings } from '#agent/ports/leavings.ts'
import type { Ledger } from '#agent/ports/ledger.ts'
import type { Log } from '#agent/ports/log.ts'
import type { ProcessLogs, RunLogs } from '#agent/ports/logs.ts'
import type { OutputWriter } from '#agent/ports/output.ts'
import type { Packs } from '#agent/ports/packs.ts'
import type { Random } from '#agent/ports/random.ts'
import type { ModelRuntime } from '#agent/ports/runtime.ts'
import type { FolderWatch, Timetable } from '#agent/ports/schedule.ts'
import type { BlobAudit, StoreCare } from '#agent/ports/store-care.ts'
import type { Transport } from '#agent/ports/transport.ts'
import type { Views } from '#agent/ports/views.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { ScriptReference } from '#protocol/model/job.ts'
import type { SideInput } from '#protocol/model/input.ts'
import type { ModelReference } from '#protocol/model/model.ts'
import type { Result } from '#protocol/model/result.ts'

/** Everything of an agent that touches the world, behind its ports. */
export interface Adapters {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly keys: Keys
  readonly ledger: Ledger
  readonly views: Views
  readonly blobs: Blobs
  readonly chunks: Chunks
  readonly packs: Packs
  readonly transport: Transport
  readonly runtime: ModelRuntime
  readonly host: HostSignals
  readonly planner: Planner
  readonly planReader: PlanReader
  readonly items: ItemReader
  readonly contents: ContentDigest
  readonly sameUser: SameUser
  readonly shares: Shares
  readonly folders: DataFolders
  readonly preview: DataPreview
  readonly probe: HostProbe
  readonly care: StoreCare
  readonly blobAudit: BlobAudit
  readonly writer: OutputWriter
  readonly exports: Exports
  readonly processLogs: ProcessLogs
  readonly runLogs: RunLogs
  readonly jobFiles: JobFileReader
  readonly modelFolder: {
    readonly place: (model: ModelReference) => Promise<Result<string, MusterError>>
  }
  readonly scriptFolder: {
    readonly place: (script: ScriptReference) => Promise<Result<string, MusterError>>
  }
  readonly sideFolder: {
    readonly place: (input: SideInput) => Promise<Result<string, MusterError>>
  }
  readonly leavings: JobLeavings
  readonly downloads: Downloads
  readonly bundler: Bundler
  readonly timetable: Timetable
  readonly folderWatch: FolderWatch
  readonly paths: {
    /** Folder of a file and a name below it, as one path. */
    readonly beside: (path: string, name: string) => string
    readonly baseName: (path: string) => string
    readonly folderOf: (path: string) => string
  }
  /** Version of this agent: what it computes may differ from another's. */
  readonly version: string
  /** Hex. */
  readonly sha256: (text: string) => string
  readonly outputFolder: (job: JobId) => string
  /** Four short words from bytes, for people to compare. */
  readonly wordsFor: (bytes: Uint8Array) => string
  /** A fresh recovery code and the public key (hex) that belongs to it. */
  readonly newRecovery: () => { readonly code: string; readonly publicKey: string }
}
