/** The truth: signed segments as they came, and an index of their records. Nothing here is ever changed. */
export const ledgerTables = `
CREATE TABLE IF NOT EXISTS meta (
  name TEXT PRIMARY KEY,
  value
) WITHOUT ROWID;

-- One log an origin and incarnation, with its last record: the version vector.
CREATE TABLE IF NOT EXISTS log (
  id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  incarnation INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE (origin, incarnation)
);

CREATE TABLE IF NOT EXISTS segment (
  id INTEGER PRIMARY KEY,
  log INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  bytes BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS segment_by_log ON segment (log, last);

-- Ids ascend in the order of storing.
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY,
  log INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  kind TEXT NOT NULL,
  hash BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS record_by_place ON record (log, sequence);
CREATE INDEX IF NOT EXISTS record_by_kind ON record (kind);
`
