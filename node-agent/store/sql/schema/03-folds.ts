/** Views: folded from records, dropped and folded again at will. */
export const foldedTables = `
CREATE TABLE IF NOT EXISTS job_submitted (
  job INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  submitted_at REAL NOT NULL,
  keeper INTEGER NOT NULL,
  data_peer INTEGER NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_by_time ON job_submitted (submitted_at);

-- Kept by origin, since who the data's peer is may not be known yet.
CREATE TABLE IF NOT EXISTS plan_chunk (
  job INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  record INTEGER NOT NULL,
  items INTEGER NOT NULL,
  first_mini_batch INTEGER NOT NULL,
  mini_batches INTEGER NOT NULL,
  last INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (job, origin, chunk)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS plan_failed (
  job INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  record INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (job, origin)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS job_cancel (
  job INTEGER PRIMARY KEY,
  at REAL NOT NULL
);

-- The last word on whether it is paused.
CREATE TABLE IF NOT EXISTS job_pause (
  job INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS job_closed (
  job INTEGER PRIMARY KEY,
  record INTEGER NOT NULL,
  term INTEGER NOT NULL,
  body TEXT NOT NULL
);

-- Kept by origin; the keeper's counts.
CREATE TABLE IF NOT EXISTS job_sealed (
  job INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  record INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (job, origin)
) WITHOUT ROWID;

-- Who made whom an admin, at any time; author 0: the founding of the cluster.
CREATE TABLE IF NOT EXISTS admin_grant (
  author INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  PRIMARY KEY (author, peer)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS job_submitter (
  job INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  PRIMARY KEY (job, peer)
) WITHOUT ROWID;

-- Who wants a job forgotten; whether that counts follows from the two tables above.
CREATE TABLE IF NOT EXISTS job_forgotten (
  job INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  record INTEGER NOT NULL,
  at REAL NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (job, origin)
) WITHOUT ROWID;

-- Jobs that are forgotten.
CREATE TABLE IF NOT EXISTS gone (
  job INTEGER PRIMARY KEY
);

-- Commit and charge records of a job. counts = 0: behind the job's seal.
CREATE TABLE IF NOT EXISTS job_record (
  job INTEGER NOT NULL,
  record INTEGER NOT NULL,
  is_commit INTEGER NOT NULL,
  term INTEGER NOT NULL,
  at REAL NOT NULL,
  counts INTEGER NOT NULL,
  PRIMARY KEY (job, record)
) WITHOUT ROWID;

-- kept = 1: the rows of this very commit are in the table row.
CREATE TABLE IF NOT EXISTS counted_commit (
  job INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  record INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  position INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  PRIMARY KEY (job, mini_batch)
) WITHOUT ROWID;

-- Chunks with rows of counted commits that are not here, and between which mini-batches those stand.
CREATE TABLE IF NOT EXISTS wanted_chunk (
  job INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  first_mini_batch INTEGER NOT NULL,
  last_mini_batch INTEGER NOT NULL,
  missing INTEGER NOT NULL,
  PRIMARY KEY (job, chunk)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS charge (
  job INTEGER NOT NULL,
  record INTEGER NOT NULL,
  place INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  cause TEXT NOT NULL,
  message TEXT NOT NULL,
  final INTEGER NOT NULL,
  -- When and where it ran; null if it never began, or its worker did not say.
  process INTEGER,
  started_at REAL,
  run_ms INTEGER,
  PRIMARY KEY (job, record, place)
) WITHOUT ROWID;

-- Mini-batches that run in halves, by record; the record counts or not as job_record says.
CREATE TABLE IF NOT EXISTS halving (
  job INTEGER NOT NULL,
  record INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  PRIMARY KEY (job, record, parent)
) WITHOUT ROWID;

-- Halves of which any commit is known, whether it counts or not.
CREATE TABLE IF NOT EXISTS half_commit (
  job INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  PRIMARY KEY (job, mini_batch)
) WITHOUT ROWID;

-- Sums of the counted commits of each peer, kept up with every change.
CREATE TABLE IF NOT EXISTS job_share (
  job INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  mini_batches INTEGER NOT NULL,
  succeeded INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  PRIMARY KEY (job, peer)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS model_registered (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  record INTEGER NOT NULL,
  registered_at REAL NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- kind: datastore or dataset.
CREATE TABLE IF NOT EXISTS registered (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  record INTEGER NOT NULL,
  registered_at REAL NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, name, version)
) WITHOUT ROWID;

-- Versions up to this one are removed.
CREATE TABLE IF NOT EXISTS unregistered (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (kind, name)
) WITHOUT ROWID;

-- body is null once the pool was removed.
CREATE TABLE IF NOT EXISTS pool (
  name TEXT PRIMARY KEY,
  record INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  body TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pipeline_submitted (
  pipeline TEXT PRIMARY KEY,
  record INTEGER NOT NULL,
  submitted_at REAL NOT NULL,
  experiment TEXT NOT NULL,
  submitter TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS pipeline_by_time ON pipeline_submitted (submitted_at);
CREATE INDEX IF NOT EXISTS pipeline_by_experiment ON pipeline_submitted (experiment, submitted_at);
CREATE INDEX IF NOT EXISTS job_by_pipeline ON job_submitted (json_extract(body, '$.run.pipeline'));
CREATE INDEX IF NOT EXISTS job_by_reuse_key ON job_submitted (json_extract(body, '$.reuse.key'));
CREATE INDEX IF NOT EXISTS job_by_step
  ON job_submitted (json_extract(body, '$.run.name'), json_extract(body, '$.run.step'));

-- What an origin said of a run or schedule: its end, a skipped step, that it was set or removed.
CREATE TABLE IF NOT EXISTS pipeline_said (
  id TEXT NOT NULL,
  origin TEXT NOT NULL,
  about TEXT NOT NULL,
  record INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (id, origin, about)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS pipeline_cancel (
  pipeline TEXT PRIMARY KEY,
  at REAL NOT NULL
);

-- The last word on whether it is paused; about: id of a run, or id of a schedule and who said it.
CREATE TABLE IF NOT EXISTS pipeline_pause (
  about TEXT PRIMARY KEY,
  record INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  at REAL NOT NULL
) WITHOUT ROWID;
`

/** All of them, for dropping what they hold. */
export const foldedTableNames: readonly string[] = [
  'job_submitted',
  'plan_chunk',
  'plan_failed',
  'job_cancel',
  'job_pause',
  'job_closed',
  'job_sealed',
  'admin_grant',
  'job_submitter',
  'job_forgotten',
  'gone',
  'job_record',
  'counted_commit',
  'wanted_chunk',
  'charge',
  'halving',
  'half_commit',
  'job_share',
  'model_registered',
  'registered',
  'unregistered',
  'pool',
  'pipeline_submitted',
  'pipeline_said',
  'pipeline_cancel',
  'pipeline_pause',
]
