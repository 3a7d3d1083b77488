/** Rows of counted commits and what belongs to this agent alone. Not folded: kept over a rebuild. */
export const rowTables = `
-- Whose rows of a mini-batch are here, between which items they stand, when and in which process it ran,
-- and hashes of what it read.
CREATE TABLE IF NOT EXISTS kept (
  job INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  chunk INTEGER NOT NULL,
  position INTEGER NOT NULL,
  first_item INTEGER NOT NULL,
  last_item INTEGER NOT NULL,
  started_at REAL,
  run_ms INTEGER,
  process INTEGER,
  contents BLOB,
  PRIMARY KEY (job, mini_batch)
) WITHOUT ROWID;

-- In plan order. A failed item has no value, but words.
CREATE TABLE IF NOT EXISTS row (
  job INTEGER NOT NULL,
  item INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  name TEXT NOT NULL,
  value TEXT,
  failure TEXT NOT NULL,
  PRIMARY KEY (job, item, mini_batch, ordinal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS row_failure ON row (job, item, mini_batch, ordinal) WHERE value IS NULL;

-- How many rows stand at each 1,024 items, so that the millionth is found without counting to it.
CREATE TABLE IF NOT EXISTS row_bucket (
  job INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  PRIMARY KEY (job, bucket)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
`

/** Bits of an item's position below its bucket. */
export const bucketBits = 10
