import { controlLimits } from './limits-control.ts'
import { dataLimits } from './limits-data.ts'

/**
 * Every size, count and time limit, each with its reason. Sizes in bytes, times in milliseconds.
 * Nothing else in the repository carries a bare limit of its own.
 */

const kib = 1024
const mib = 1024 * kib
const second = 1000
const day = 24 * 3_600 * second

/** Every bound that is not of the control API or of data; those are taken in here. */
export const limits = {
  // --- wire ------------------------------------------------------------------------------------
  /** Any sentence for people that travels or is recorded. */
  sentenceLength: 4_096,
  /** One control message. The largest are plan and hello lists of a few thousand entries. */
  controlFrameBytes: 4 * mib,
  /** One frame of bulk data: large enough to amortise Noise, small enough not to delay a heartbeat. */
  bulkFrameBytes: 256 * kib,
  /**
   * Bytes of a blob in one frame: with the 18 bytes in front of them (12 of Yamux, 4 and 1 of framing, 1 of the
   * answer) they fill eight messages of Noise. One byte more, and each frame would drag a small message behind it.
   */
  blobFrameBytes: 8 * 65_519 - 18,
  /** Bytes waiting to be sent to one peer over one protocol before `send` says `full`. */
  outboxBytes: 32 * mib,
  /** Messages waiting to be sent to one peer over one protocol. */
  outboxMessages: 10_000,
  /** Requests one peer may have open with us on one protocol; more wait at the asker. */
  openRequests: 64,
  /** Hello, pairing and other single answers: a healthy LAN needs milliseconds. */
  answerMs: 5 * second,
  /** Silence inside a stream of frames, after which the request is given up and tried elsewhere. */
  frameSilenceMs: 10 * second,
  /** TCP and Noise to one address. */
  dialMs: 4 * second,
  /** The higher PeerId waits this long for the lower one to dial, then dials itself (firewalls). */
  dialCourtesyMs: 5 * second,
  /** Between two rounds of dialling members that are not connected. */
  redialMs: 2 * second,
  /** The pause between dials of one member doubles up to this while they fail. */
  redialMostMs: 30 * second,
  /** Addresses remembered of one peer, newest first: a laptop has a few networks, each with two or three. */
  addressesPerPeer: 16,
  /** libp2p's default of 5 new connections a second and host refuses an office behind one NAT. */
  inboundConnectionsPerSecond: 50,
  maxConnections: 300,
  /** TCP connections still in their handshake: a whole office may start at nine o'clock. */
  pendingConnections: 100,
  /** The next address of a peer is tried beside the first after this long: a dead address must not cost its whole limit. */
  dialStaggerMs: 250,
  /** Addresses told about one peer. */
  peerAddresses: 16,
  /** Connections of strangers at once while an invitation is open. */
  strangerConnections: 16,
  /** What one peer may send us on one stream before we read it. libp2p drops a stream that holds 4 MiB unread. */
  streamWindowBytes: 1 * mib,
  /** Whole frames of one stream kept for a reader that is busy, before the stream is paused: some work ahead. */
  unreadBytes: 512 * kib,
  /** Messages that wait for the same stream leave together, up to this size. */
  coalesceBytes: 64 * kib,
  /** Bytes of streams after which young garbage is swept: less would cost more looks, more would wake V8 first. */
  sweepBytes: 4 * mib,
  /** Messages of one connection that could not be decoded, after which it is closed. */
  undecodableMessages: 100,
  /** A request waits this long for one of the `openRequests` places. */
  requestWaitMs: 60 * second,
  /** An asker that reads nothing for this long has its answer ended. */
  answerUnreadMs: 60 * second,
  /** What was already sent has this long to leave before a connection is cut at the end. */
  closeMs: 1 * second,

  // --- membership ------------------------------------------------------------------------------
  heartbeatMs: 1 * second,
  suspectMs: 3 * second,
  lostMs: 6 * second,
  /** A redial of a suspect that fails this long makes it lost. */
  redialFailedMs: 2 * second,
  /** A head that was itself silent this long greets its peers before it grants again. */
  headSilenceMs: 3 * second,
  invitationMs: 10 * 60 * second,
  /** Clocks of two machines may differ by this much; the inviter's own clock decides. */
  invitationSlackMs: 24 * 3_600 * second,
  /** Open invitations; a person needs one or two. */
  openInvitations: 16,
  memberNameLength: 64,
  members: 1_000,

  // --- ledger ----------------------------------------------------------------------------------
  /** One signature covers at most this many records: signing costs 50 us, verifying 130 us. */
  segmentRecords: 1_024,
  segmentBytes: 2 * mib,
  /** Own segments are closed at this size: checking one must not hold up a peer's loop for long. */
  ownSegmentBytes: 128 * kib,
  /** Rows and characters of a forgotten job that are deleted in one transaction, for whose end others wait. */
  forgottenRows: 10_000,
  forgottenBytes: 2 * mib,
  /** A store up to this size is written anew when a job is forgotten: some tenths of a second, and as much memory. */
  rewrittenStoreBytes: 16 * mib,
  /** A store with this much of it free, and a quarter, is written anew while nobody asks: the disk gets it back. */
  freeStoreBytes: 64 * mib,
  /** Writing a store anew begins this much later after it was stopped or failed, then after twice as long. */
  rewriteRetryMs: 60 * second,
  rewriteRetryMostMs: 60 * 60 * second,
  /** Somebody who reads what stood in the store before is waited for so long before its journal is emptied. */
  rewriteBusyMs: 10 * second,
  /** Beside two copies of the store so much of the disk must be free: it is never filled to the brim for this. */
  rewriteSpareBytes: 256 * mib,
  /** Segments and their bytes in one transaction of the store: each costs an fsync, and all wait for the last. */
  transactionSegments: 64,
  transactionBytes: 2 * mib,
  /** One record's body: the largest are commits of one group. */
  recordBytes: 1 * mib,
  /** Commits in one record. */
  commitsPerRecord: 4_096,
  /** A thread of the store that nobody asks ends after this: it holds some 9 MB, and starting it again costs 50 ms. */
  storeRestMs: 10 * second,
  /** Vectors are exchanged again this often, so that a lost message heals. */
  ledgerVectorMs: 15 * second,
  /** Segments of origins not known yet that are kept while their membership is on its way. */
  heldSegments: 256,

  // --- leases ----------------------------------------------------------------------------------
  /** Leases a slot starts with, before its speed is known. */
  firstLeasesPerSlot: 2,
  /** Measured work a slot holds ahead: hides one round trip and one group commit. */
  leaseAheadMs: 500,
  /** The same for jobs whose mini-batches Muster cuts: small ones, of which each machine gets as many as it does in this time. */
  autoAheadMs: 2 * second,
  /** Leases a slot holds ahead at most: a tenth of a second of empty mini-batches, more than a round trip and a group commit. */
  leasesPerSlot: 1_024,
  /** Leases, reports or tokens in one message: a greeting names all that a worker holds. */
  leasesPerMessage: 4_096,
  /** Leases in one grant message. */
  leasesPerGrant: 1_024,
  /** At most two live leases a mini-batch for each head. */
  liveLeasesPerMiniBatch: 2,
  schedulerTickMs: 250,
  /** Time between two ticks counts up to this as waiting: a head whose machine slept saw nothing meanwhile. */
  tickGapMs: 2 * second,
  /** A worker told "not head" by the head it believes in greets again after this. */
  notHeadRetryMs: 300,
  /** The worker looks at its clocks this often: run limits, chunk age, report age. */
  workerTickMs: 25,
  /** ... and this often while it has no work at all: an idle agent should cost nothing. */
  quietTickMs: 1 * second,
  /** The worker's started and finished reports wait this long for company. */
  reportMs: 50,
  /** A peer with this many failures in a row is set aside ... */
  peerFailuresInRow: 5,
  /** ... for this long, doubling ... */
  setAsideMs: 15 * second,
  /** ... up to this. */
  setAsideMostMs: 600 * second,
  /** Failed starts of a job's worker process on a peer, per process, before the peer is set aside for the job. */
  initFailuresPerProcess: 3,
  /** A worker waits this long for a job record that the head already granted from. */
  unknownJobMs: 10 * second,
  /** A worker says what a job waits for there after this long. */
  slowStartMs: 3 * second,
  /** Time to load a model in a fresh process, or for `init()` of a script. */
  initMs: 120 * second,
  /** Time between a kill and the word that the process is gone. */
  killMs: 2 * second,
  maxAttempts: 3,
  runLimitMs: 60 * second,
  longestRunLimitMs: 259_200 * second,
  /** Lines of one mini-batch's story that `explain` prints, newest last. */
  storyLines: 50,
  /**
   * Things that happened to mini-batches, of all jobs together, kept in memory for `explain` and the
   * timeline: three an attempt, so the last 20,000 attempts in some 6 MB.
   */
  storyEntries: 60_000,
  /** A slot may always hold this much measured work ahead, also at a job's tail: finer sharing costs round trips. */
  leaseLeastMs: 100,
  /**
   * Leases a slot may have unreported, started or not: those ahead, and as many whose rows wait for a chunk
   * to close. Stops a worker that cannot pack its results.
   */
  liveLeasesPerSlot: 2_048,
  /** Leases one peer may hold: all of them fit one greeting. */
  liveLeasesPerPeer: 4_000,
  /** Sentence of a failure in a report, so that a thousand of them fit one message. */
  failureSentenceLength: 1_000,
  /** A new head grants nothing of a job already begun for this long: its workers greet first and keep their leases. */
  adoptionMs: 500,
  /** A peer that could not reach a job's input, model or record gets none of its leases for this long. */
  returnBackoffMs: 1 * second,
  /** The same where its disk or its owner's settings stand against it: that changes seldom. */
  outOfReachMs: 15 * second,
  /** A worker tells all it holds this often, so that a lost message heals. */
  greetAgainMs: 15 * second,
  /** A job with leases but no process takes over a slot after this long, if another job has it. */
  jobTurnMs: 2 * second,
  /** Mini-batches in one process: one runs, the others wait in it, so that it never idles and words about several travel together. */
  runAheadPerProcess: 16,
  /** One mini-batch waits inside a busy process only if that one ends within about this time ... */
  runAheadMs: 500,
  /** ... and more only if all before them end within this: at a job's end they cannot move to an idle process. */
  runFarAheadMs: 10,
  /** Mini-batches of size `auto` that are at hand share one `run()` of about this long by the measured speed: what a call costs then no longer shows ... */
  joinedMs: 2 * second,
  /** ... and of so many items and bytes of inputs at most, for which a script may hold decoded pictures. */
  joinedItems: 2_048,
  joinedBytes: 16 * mib,
  /** Shared runs of a job that may fail on a machine before its mini-batches are run one by one there. */
  brokenJoins: 3,
  /** Kinds of jobs of which a machine remembers that they ran out of memory, the newest, and how long. */
  memoryNotes: 64,
  memoryNoteMs: 7 * 24 * 3_600 * second,
  /** A running attempt that no longer counts is killed after this long; shorter ones just end. */
  stopLoserMs: 1 * second,
  /** Between a failed start of a worker process and the next try. */
  initRetryMs: 1 * second,
  /** At a job's tail a running attempt is copied to an idle peer when it takes this many times the median ... */
  copyFactor: 1.5,
  /** ... and at least this long; */
  copyLeastMs: 2 * second,
  /** copies are at most this share of a job's mini-batches. */
  copyShare: 0.1,
  /** Leases not started are taken back for an idle peer if they would wait at least this long. */
  takeBackLeastMs: 250,
  /** Recent run times of a job from which the median is taken. */
  speedSamples: 64,
  /** Charges in one record: each carries a sentence. */
  chargesPerRecord: 256,
  /** Jobs of which something arrived before the job itself. */
  unknownJobs: 64,
  /** Commits and charges that arrived before their plan chunk, for each job. */
  earlyFacts: 100_000,
  /** Ended jobs whose mini-batches the head keeps in memory for people who look. */
  endedJobColumns: 8,
  /** Ended jobs an agent remembers, so that what comes late of one, a grant or an attempt, leaves nothing. */
  endedJobs: 1_000,

  // --- results ---------------------------------------------------------------------------------
  /** A result chunk is closed at this size ... */
  chunkBytes: 256 * kib,
  /** ... or this age, whichever is first. */
  chunkMs: 200,
  chunkEntries: 4_096,
  /** Unpacked chunks that a keeper which is its own worker need not read back: some seconds of rows. */
  recentChunkBytes: 8 * mib,
  /** Unpacked size of one chunk that a keeper accepts: one mini-batch may return much. */
  chunkUnpackedBytes: 256 * mib,
  /** JSON text of one row. */
  rowBytes: 1 * mib,
  /** Chunks a keeper pulls at once from all peers together. */
  chunkPulls: 8,
  /** After a failed pull the keeper waits this long before it asks again. */
  pullRetryMs: 1 * second,
  pageRows: 1_000,
  /** Rows of other agents' jobs that are kept here unless told otherwise. */
  rowsQuotaBytes: 2 * 1024 * mib,

  ...dataLimits,

  // --- worker processes ------------------------------------------------------------------------
  /** PNGs up to this many pixels a side go to the light decoder: below it starting sharp costs more than decoding. */
  lightPngSide: 128,
  /** An idle process, with its model, is kept this long for the next job of its kind: people try again soon. */
  warmProcessMs: 60 * second,
  /** With less memory free than this on the machine, none is kept. */
  warmFreeBytes: 1024 * mib,
  /** Looks at the memory and slots that idle processes use: a returning owner has them back within 5 s. */
  warmLookMs: 1 * second,
  /** Processes of a job that its submitter's machine starts while the job is planned: even a small job keeps two busy. */
  processesAhead: 2,
  /** Input tensor of one inference. A larger mini-batch is run in parts: activations take many times as much. */
  tensorBytes: 64 * mib,
  /** Head of a frame between agent and worker process: names and paths of one mini-batch. */
  processHeadBytes: 64 * mib,
  /** Item bytes of one mini-batch: the largest table mini-batch and the record that ends it. */
  processBodyBytes: 1088 * mib,
  processAnswerBytes: 256 * mib,
  /** Last words of a worker process that are kept. */
  processStderrBytes: 16 * kib,
  /** A runtime process before its model is loaded, measured at 90 to 130 MiB. */
  modelBaseBytes: 150 * mib,
  /** Memory a loaded model needs for each byte of its files: weights as read, as packed, and activations. */
  modelBytesFactor: 2.5,
  /** A model's graph without its weights, held in memory while it is checked. */
  modelGraphBytes: 256 * mib,
  /** External data files of one model. */
  modelFiles: 1_000,
  /** Weights listed in one model. */
  modelTensors: 1_000_000,

  // --- devices ---------------------------------------------------------------------------------
  /** One execution provider tried in a process of its own: a cold driver compiles for seconds. */
  deviceProbeMs: 30 * second,
  /** What was found is found again after this long: a driver can start to work without a trace of it. */
  deviceCacheMs: 7 * day,
  /** Asking the registry of Windows for the names of graphics cards. */
  deviceFingerprintMs: 5 * second,
  /** Trying devices on a job's first batch takes no further one after this long. */
  deviceMeasureMs: 10 * second,
  /** A device is timed again while its runs took less than this, all together. */
  deviceTimingMs: 300,
  /** Jobs whose choice of a device is remembered; the oldest is measured again. */
  deviceChoices: 256,

  // --- entry scripts ---------------------------------------------------------------------------
  /** A script and all packages it imports, as one file with its source map: thousands of modules fit. */
  scriptBundleBytes: 16 * mib,
  /** Files that travel beside a script, all together; larger things are models or inputs. */
  scriptSourceBytes: 64 * mib,
  scriptFiles: 1_024,
  /** `arguments` of a job, and the length of one of them or of an environment variable. */
  scriptArguments: 1_024,
  argumentLength: 32 * kib,
  /** JavaScript heap of a script process at most, and what its other memory may be in addition. */
  scriptHeapBytes: 1024 * mib,
  scriptHeapLeastBytes: 128 * mib,
  scriptExtraBytes: 512 * mib,
  /** Tensors and pictures that one script may hold in its runtime process at once. */
  scriptHandleBytes: 512 * mib,
  scriptHandles: 100_000,
  /** Pictures decoded, and inferences run, before a script asks: worth a few round trips, no more time or memory. */
  scriptAheadMs: 4,
  scriptAheadBytes: 16 * mib,
  /** Inputs fed to one inference. */
  scriptFeeds: 1_024,
  /** One message of a script: feeds of its own making, or rows. */
  scriptFrameBytes: 256 * mib,
  /** Rows of one mini-batch, and their text all together: they must fit one result chunk. */
  scriptRows: 1_000_000,
  scriptRowBytes: 128 * mib,
  /** The beginning of what one script process prints or logs: how it started. A line says what is left out behind it. */
  scriptLogHeadBytes: 512 * kib,
  /** What it prints later is kept in parts of this size; with each new one the oldest goes. */
  scriptLogPartBytes: 128 * kib,
  /** Parts of one log: its last 512 KiB are always there, and what fails is told at the end. */
  scriptLogParts: 5,
  /** A log is cut at the end of a line, if there is one so near; a longer line is cut in its middle. */
  scriptLogLineBytes: 4 * kib,
  /** Logs of one job kept on one machine, newest first. */
  scriptLogsPerJob: 32,
  /** A machine keeps the logs of a job this long after their last file came; the run's folder has copies. */
  scriptLogsMs: 30 * day,
  /** What is read of such a log at once: beginning, parts, and the lines that say what is left out. */
  scriptLogReadBytes: (512 + 5 * 128 + 1) * kib,
  /** One frame with a log of a process: `scriptLogReadBytes` and what is said of it. */
  logFrameBytes: 2 * mib,
  /** Logs of workers are fetched this long after the seal: `shutdown()` may have said its words by then. */
  logCollectMs: 3 * second,
  /** Looked at again this long after that: where a machine was stopped or overloaded, its scripts ended later. */
  logCollectAgainMs: 15 * second,
  /** Newest jobs whose log files are looked for at a start. */
  logCatchUpJobs: 20,
  /** Jobs whose logs a machine that is away still owes: those of older ones are only asked for by name. */
  logWantedJobs: 1_000,
  /** Causes in the list of errors of a run. */
  loggedCauses: 1_000,
  /** `shutdown()` has this long before its process is killed anyway. */
  scriptShutdownMs: 2 * second,
  /** Scripts that one runtime process serves, one after the other: each has a pipe that was made with it. */
  scriptsPerRuntime: 16,
  /** A runtime process that was told that its script is gone has forgotten it at once, on a crowded machine too. */
  scriptLeftMs: 10 * second,
  /** The question whether bubblewrap works here: it starts in some 20 ms. */
  sandboxProbeMs: 5 * second,

  ...controlLimits,
} as const
