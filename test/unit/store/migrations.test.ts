import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { migrate } from '#agent/store/sql/migrations.ts'

test('a store of the first version learns when and where attempts ran and what they read, and keeps what it has', () => {
  const db = new Database(':memory:')
  db.exec(`CREATE TABLE kept (
    job INTEGER NOT NULL, mini_batch INTEGER NOT NULL, chunk INTEGER NOT NULL,
    position INTEGER NOT NULL, first_item INTEGER NOT NULL, last_item INTEGER NOT NULL,
    PRIMARY KEY (job, mini_batch)) WITHOUT ROWID;
    INSERT INTO kept VALUES (1, 2, 3, 4, 5, 6);
    PRAGMA user_version = 1`)
  migrate(db, ':memory:')
  migrate(db, ':memory:')
  const old = db.prepare('SELECT * FROM kept').all()
  expect(old).toEqual([
    {
      job: 1,
      mini_batch: 2,
      chunk: 3,
      position: 4,
      first_item: 5,
      last_item: 6,
      started_at: null,
      run_ms: null,
      process: null,
      contents: null,
    },
  ])
  const fresh = new Database(':memory:')
  migrate(fresh, ':memory:')
  const columns = (of: typeof db) => of.pragma('table_info(kept)')
  expect(columns(fresh)).toEqual(columns(db))
})
