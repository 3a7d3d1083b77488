import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { migrate } from '#agent/store/sql/migrations.ts'
import { createForgottenRows } from '#agent/store/write/forgotten-rows.ts'
import { limits } from '#protocol/limits.ts'

const open = () => {
  const db = new Database(':memory:')
  migrate(db, ':memory:')
  const add = db.prepare('INSERT INTO row VALUES (?, ?, 0, ?, ?, ?, ?)')
  const count = db.prepare<[number], number>('SELECT count(*) FROM row WHERE job = ?').pluck()
  const forget = db.prepare('INSERT INTO gone VALUES (?)')
  return { db, add, count: (job: number) => count.get(job) ?? 0, forget }
}

test('rows of a forgotten job are deleted some at a time, those of others stay', () => {
  const { db, add, count, forget } = open()
  const rows = 2 * limits.forgottenRows + 5
  // Two rows an item: a step may end between them.
  for (let at = 0; at < rows; at += 1) add.run(1, at >> 1, at & 1, 'a.png', '1', '')
  for (let at = 0; at < 7; at += 1) add.run(2, at, 0, 'b.png', null, 'It is no image.')
  const forgotten = createForgottenRows(db)
  expect(forgotten.areLeft()).toBe(false)
  forget.run(1)
  forgotten.dropSome(1)
  expect([count(1), forgotten.areLeft()]).toEqual([limits.forgottenRows + 5, true])
  // After a restart they are found again, and what is undone is as if it had not been tried.
  const again = createForgottenRows(db)
  expect(again.areLeft()).toBe(true)
  const undone = db.transaction(() => {
    again.dropNext()
    throw new Error('no room')
  })
  expect(() => undone()).toThrow('no room')
  expect([count(1), again.areLeft()]).toEqual([limits.forgottenRows + 5, true])
  const left: number[] = []
  while (again.areLeft()) {
    again.dropNext()
    left.push(count(1))
  }
  expect(left).toEqual([5, 0, 0])
  expect(count(2)).toBe(7)
  expect(createForgottenRows(db).areLeft()).toBe(false)
  db.close()
})

test('few large rows are a step as well, and a job of few rows is deleted in one', () => {
  const { db, add, count, forget } = open()
  const large = 'x'.repeat(limits.forgottenBytes / 4)
  for (let at = 0; at < 10; at += 1) add.run(1, at, 0, '', large, '')
  add.run(2, 0, 0, '', '1', '')
  for (const job of [1, 2]) forget.run(job)
  const forgotten = createForgottenRows(db)
  forgotten.dropSome(2)
  expect(count(2)).toBe(0)
  forgotten.dropNext()
  expect(count(1)).toBe(6)
  forgotten.dropNext()
  expect([count(1), forgotten.areLeft()]).toEqual([2, true])
  db.close()
})
