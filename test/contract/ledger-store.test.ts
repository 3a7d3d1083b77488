import { describe } from 'vitest'
import { createTempFolder, openTestStore } from '../support/ledger-fixtures.ts'
import { testLedger } from './ledger-suite.ts'

describe('ledger in SQLite', () => {
  testLedger(async (keys) => {
    const folder = await createTempFolder()
    const { ledger } = await openTestStore(folder.path, keys)
    const dispose = async () => {
      await ledger[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    }
    return { ...ledger, [Symbol.asyncDispose]: dispose }
  })
})
