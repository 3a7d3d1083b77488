import process from 'node:process'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { createLedgerRules } from '#agent/ledger/rules.ts'
import { openStore } from '#agent/store/store.ts'
import {
  blobNamed,
  genesisOf,
  groupOf,
  jobNumbered,
  peerNamed,
  quietLog,
  sha256,
} from '../support/ledger-fixtures.ts'

/** Appends for ever and prints each sequence once it is acknowledged; its parent kills it. */
const [folder = '', key = ''] = process.argv.slice(2)
const privateKey = createPrivateKey(key)
const self = peerNamed('k')
const keys = {
  self,
  sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
  verify: (_: unknown, bytes: Uint8Array, signature: Uint8Array) =>
    verify(null, bytes, createPublicKey(privateKey), signature),
  sha256,
}
const opened = await openStore({ folder, keys, rules: createLedgerRules(keys), log: quietLog })
if (!opened.ok) throw new Error(opened.error.message)
const { ledger } = opened.value
if (ledger.cluster() === null) await ledger.found(genesisOf(self))
const job = jobNumbered(1)
for (let next = ledger.vector()[0]?.sequence ?? 0; ; next += 1) {
  const miniBatches = Array.from({ length: 50 }, (_, at) => next * 50 + at)
  const added = await ledger.append([
    {
      kind: 'committed',
      job,
      term: { number: 1, head: self },
      groups: [groupOf(self, blobNamed(String(next)), miniBatches)],
      at: 1,
    },
  ])
  if (!added.ok) throw new Error(added.error.message)
  process.stdout.write(`${added.value[0]?.records[0]?.header.sequence}\n`)
}
