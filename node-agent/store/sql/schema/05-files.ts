/** Files that scripts left, of commits whose rows are here. Kept and dropped with those. */
export const fileTables = `
-- Ids grow with every arrival. list: JSON of path, bytes and hash of each file in the pack.
CREATE TABLE IF NOT EXISTS kept_files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL,
  mini_batch INTEGER NOT NULL,
  pack TEXT NOT NULL,
  list TEXT NOT NULL,
  UNIQUE (job, mini_batch)
);

-- Forgotten jobs of which something is left on this machine beside this file. blobs: JSON of their names.
CREATE TABLE IF NOT EXISTS to_remove (
  job TEXT PRIMARY KEY,
  blobs TEXT NOT NULL
) WITHOUT ROWID;
`
