import process from 'node:process'
import { createPrivateKey, sign } from 'node:crypto'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { openStore } from '#agent/store/store.ts'
import { jobNumbered, peerNamed, quietLog, sha256 } from '../support/ledger-fixtures.ts'

/** Has the first job of a store forgotten, says when it begins and when that is acknowledged; its parent kills it. */
const [folder = '', key = ''] = process.argv.slice(2)
const privateKey = createPrivateKey(key)
const keys = {
  self: peerNamed('k'),
  sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  verify: () => true,
  sha256,
}
const opened = await openStore({ folder, keys, rules: createLedgerRules(keys), log: quietLog })
if (!opened.ok) throw new Error(opened.error.message)
const sums = {
  items: 45_000,
  itemsSucceeded: 45_000,
  itemsFailed: 0,
  miniBatches: 45,
  committed: 45,
  failedMiniBatches: 0,
}
process.stdout.write('begun\n')
const job = jobNumbered(1)
const added = await opened.value.ledger.append([
  { kind: 'job-forgotten', job, state: 'Completed', endedAt: 70, sums, at: 90 },
])
if (!added.ok) throw new Error(added.error.message)
process.stdout.write('forgotten\n')
setInterval(() => {}, 1_000)
