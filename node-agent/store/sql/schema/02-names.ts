/** Long names, each written once; tables below carry their numbers. */
export const nameTables = `
CREATE TABLE IF NOT EXISTS peer (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS job (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);

-- A result chunk, as a commit named it: what it is and who has it.
CREATE TABLE IF NOT EXISTS chunk (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  peer INTEGER NOT NULL,
  UNIQUE (hash, peer)
);
`
