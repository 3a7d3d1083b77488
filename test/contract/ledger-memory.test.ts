import { describe } from 'vitest'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { createMemoryLedger } from '../support/memory-ledger.ts'
import { testLedger } from './ledger-suite.ts'

describe('ledger in memory', () => {
  testLedger(async (keys) =>
    createMemoryLedger({ self: keys.self, rules: createLedgerRules(keys) }),
  )
})
