/** The part of `limits.ts` that is about inputs, plans, outputs and blobs. */

const kib = 1024
const mib = 1024 * kib
const second = 1000

/** Bounds of inputs, plans and tables. */
export const dataLimits = {
  /** Items in the first plan chunk, after which the first lease goes out ... */
  firstPlanChunkItems: 1_000,
  /** ... and in each further one: some hundred kB of names. */
  planChunkItems: 5_000,
  /** The thread that lists is kept this long for the next job: people try again soon. */
  planThreadMs: 60 * second,
  /** A thread that plans a table and reads nothing for this long is given up: decoding the largest row group takes a minute on a slow machine. */
  planStillMs: 5 * 60 * second,
  /** Mini-batches of tables in the first plan chunk: the first lease goes out after it. Each further chunk has twice as many ... */
  firstTableChunk: 8,
  /** ... up to this: a chunk costs a record and a blob. */
  planChunkMiniBatches: 1_024,
  /** A mini-batch of size `auto` has so many files at most, and about so many bytes: small enough to be shared out finely. */
  autoItems: 32,
  autoBytes: 1 * mib,
  /** Items of a job, which the head counts in 32 bits, and its mini-batches, of which each costs it some 20 bytes. */
  jobItems: 4_000_000_000,
  jobMiniBatches: 20_000_000,
  /** Items in one mini-batch; a larger one than `planChunkItems` gets a plan chunk of its own. */
  miniBatchItems: 100_000,
  /** Inputs of one job, and side inputs. */
  inputs: 64,
  partitionKeys: 16,
  /** Bytes of a table in one mini-batch, as far as a person may ask: they travel to a process in one frame. */
  tableBatchBytes: 1024 * mib,
  /** A longer slice is not looked through for single records: it is tried again whole. */
  narrowedBytes: 64 * mib,
  /** A longer slice is decoded record by record: a string has room for half a gigabyte. */
  decodedAtOnceBytes: 64 * mib,
  /** A longer record is a failed item. */
  tableRecordBytes: 16 * mib,
  /** A preview reads so many bytes of a table at a time: a thousand records of ordinary width ... */
  previewBytes: 256 * kib,
  /** ... and a row group of Parquet up to this whole. */
  previewMostBytes: 256 * mib,
  /** One look at the first records of a table: the largest row group takes some 20 s on a slow machine. */
  previewMs: 60 * second,
  /** Items of a dry run: enough to see what a job does. */
  tryItems: 100,
  /** Files or records of one preview. */
  previewItems: 1_000,
  /** A quotation mark that stays open longer than this was none: only its own line is broken. */
  openQuoteBytes: 1 * mib,
  /** A Parquet footer: it is read whole. */
  parquetFooterBytes: 64 * mib,
  /** Footers that a worker keeps of files whose rows are streamed to it: the largest one, or hundreds of ordinary ones. */
  keptFooterBytes: 64 * mib,
  /** Footers that a process keeps taken apart, by their bytes and their count: the objects of one need some twenty times as many. */
  readFooterBytes: 16 * mib,
  readFooters: 64,
  /** Columns within columns, and words within words of a footer: people go to five. */
  parquetDepth: 64,
  /** Values in one page of Parquet: the largest row groups that are usual, where all of a column is null. They stand in memory together. */
  parquetPageValues: 64 * 1024 * 1024,
  tableColumns: 16_384,
  /** Inputs or outputs of a model that one job may name. */
  modelValues: 256,
  /** Models of one job beside each other: each worker process holds all of them in memory. */
  jobModels: 16,
  columnNameLength: 1_024,
  /** A value by which a table or its files are partitioned: it travels with its mini-batch. */
  partitionValueLength: 1_024,
  /** Slices of one mini-batch: only partitions of tables have more than one. */
  slicesPerMiniBatch: 100_000,
  /** Records of one mini-batch of a table: as many as a script may return. */
  tableBatchRecords: 1_000_000,
  /** Neighbouring records of equal partition keys that a plan keeps in memory, at 32 bytes each. */
  partitionSlices: 2_000_000,
  /** Distinct combinations of partition keys that a plan keeps in memory, at some hundred bytes each. */
  partitions: 200_000,
  /** Files of one side input, all named in the job's record, and their bytes: each worker keeps a copy. */
  sideInputFiles: 2_048,
  sideInputBytes: 16 * 1024 * mib,
  /** Files that one job may want to have downloaded: their list stands in memory on both sides, and is made before a word of it is sent. */
  downloadFiles: 100_000,
  /** Room for downloads of jobs, unless the owner says otherwise. */
  downloadsQuotaBytes: 16 * 1024 * mib,
  /** What a download leaves free of the disk: a full one would stop the agent. */
  downloadSpareBytes: 1024 * mib,
  /** Bytes and files that a download asks for at once: a lost connection costs no more than this. */
  downloadPartBytes: 32 * mib,
  downloadPartFiles: 500,
  /** Lists of downloads that the data's peer remembers, each of a job. */
  downloadLists: 4,
  /** Between two words on how far a download is. */
  downloadTellMs: second,
  /** Decoded plan chunks kept by the data's peer: workers ask for neighbouring mini-batches. */
  planChunksDecoded: 8,
  /** Names of a folder sorted at a stretch: about 10 ms of the agent's loop. */
  sortedNames: 10_000,
  /** File facts asked at once while planning: more would keep other readers of the disk waiting. */
  statsAtOnce: 64,
  /** Blobs and peers remembered as served: one that is asked for again by the same peer is hashed along. */
  servedBlobs: 4_096,
  /** A blob that arrives is written and hashed by a thread once this much has come: starting one costs some 40 ms. */
  threadedBlobBytes: 4 * mib,
  /** Shared memory in which bytes go to that thread, and the slots it is cut into. */
  blobRingBytes: 4 * mib,
  blobRingSlots: 8,
  /** What was written is flushed this often meanwhile, so that the last fsync finds little to do. */
  blobFlushBytes: 32 * mib,
  /** An unfinished or set-aside blob that nobody touched this long is swept at start. */
  leftoverBlobMs: 24 * 60 * 60 * second,
  /** A blob may be younger than the record that will name it: until this age nobody calls it an orphan. */
  freshBlobMs: 10 * 60 * second,
  /** Nonce files of the same-user proof that lie around at most. */
  sameUserNonces: 64,
  /** Rows that are asked for the columns of a `.csv`; only if a later one has more are all of them asked. */
  csvHeaderRows: 1_000,
  /** Columns of an output file; keys beyond them stand together as JSON in a last column. */
  outputColumns: 4_096,
  /** Rows in one row group of a Parquet file, and their text all together: what is held in memory. */
  rowGroupRows: 50_000,
  rowGroupBytes: 16 * mib,
  /** Rows of an output between two looks whether it was given up: some milliseconds. */
  outputTurnRows: 5_000,
  /**
   * What a machine left in a share of an output that it never finished is taken away by others after this: no
   * output is written for so long.
   */
  outputTempMs: 24 * 60 * 60 * second,
  /** The thread that writes outputs ends after this long without one: starting it costs some 50 ms. */
  outputThreadIdleMs: 30 * second,
  /** JavaScript heap of that thread: a row group in all its forms, several times over. */
  outputThreadBytes: 512 * mib,
  /** Files that one mini-batch may leave in its output directory, and their bytes all together. */
  outputFiles: 1_000,
  outputFileBytes: 1024 * mib,
  /** A path below the output directory: it must fit behind a folder on every system. */
  outputPathLength: 200,
  /** Aliases a job file may resolve: people use a handful, bombs use millions. */
  yamlAliases: 100,
  itemNameBytes: 4_096,
  /** Items of neighbouring mini-batches asked for at once: saves round trips, keeps the first one prompt. */
  itemsPerInputRequest: 200,
  /** One streamed item. Larger files want `share` roots and in-place reading. */
  itemBytes: 512 * mib,
  /** Inputs of leased mini-batches fetched ahead of the slots, all together. */
  inputAheadBytes: 256 * mib,
  /** A hostile file of a megabyte keeps the YAML reader busy for seconds; a real one has some kB. */
  jobFileBytes: 256 * kib,
  /** Steps of one pipeline: their specs must fit one record. */
  pipelineSteps: 100,
  /** Unfinished pipeline runs that an agent goes on with after its start, newest first. */
  openPipelines: 10_000,
  /** A run that could not go on, for example since a disk is full, is looked at again after this. */
  runAgainMs: 10 * second,
  /**
   * Row texts in one result chunk of rows that were taken over: the store's writer keeps a chunk in one transaction,
   * for which others wait, and the chunk is in memory several times over.
   */
  takenChunkBytes: 256 * kib,
  /** Rows and bytes of one answer about rows to be taken over: a plan chunk may have a million of them. */
  takenPageRows: 1_000,
  takenPageBytes: 256 * kib,
  /** Newest jobs among which one is sought that read the same files since. */
  laterReaders: 16,
  /** Bytes of touched files that are read to see whether they hold the same, for one job: a minute of a disk, about ... */
  comparedBytes: 8 * 1024 * 1024 * 1024,
  /** ... at so many mini-batches that were others after all nothing more is read, if they are the most. */
  comparedInVain: 16,
  /** ... and a slice of a table counts for at least so many of these bytes: finding a short one takes longer than reading it. */
  comparedSliceBytes: 8 * kib,
  /** Slices that are remembered for the next mini-batch, beside its own: it may stand in the same row groups of Parquet. */
  comparedSlices: 10_000,
  /** Files read side by side for that. */
  comparedAtOnce: 8,
  /** A larger file that a script has laid out by `path()` is not hashed: of such it may read parts, and some disks copy it without reading. */
  hashedCopyBytes: 16 * mib,
  /** Items between two mini-batches that are taken over, up to which one question gets the rows of both. */
  takenGapItems: 256,
  /** Runs set side by side: more columns nobody reads. */
  comparedRuns: 50,
  /** How often schedules are looked at: cron counts seconds. */
  scheduleTickMs: 1_000,
  /** A run may start this much late (a busy machine); later its time counts as missed. */
  scheduleLateMs: 60_000,
  /** Watched folders are listed this often, or less where listing takes long. */
  folderLookMs: 2_000,
  /** Share of the time that looks at one watched folder may take. */
  folderLookShare: 0.05,
  /** Parameters and inputs of one pipeline or job file. */
  pipelineParameters: 1_000,
  blobBytes: 8 * 1024 * mib,
  /** Bytes of an image shown in the window. */
  pictureBytes: 4 * mib,
  /** Mini-batches for which one answer names the peers: more cells than a screen can show apart. */
  mapPeers: 50_000,
  /** Pixels of an image that is decoded: a decompression bomb is an item failure, not a dead machine. */
  imagePixels: 100_000_000,
} as const
