import process from 'node:process'
import { parseArgs } from 'node:util'
import { startControlFixture } from '#test/support/control-fixture.ts'

// A small agent for tests of the shell: the real control server in a process of its own, started and
// stopped as the real agent is. `MUSTER_TEST_DIES` makes it die at once with an error, as `--json` prints it.
const { values } = parseArgs({
  allowPositionals: true,
  options: { home: { type: 'string' }, json: { type: 'boolean' } },
})
const home = values.home ?? ''

if (process.env['MUSTER_TEST_DIES'] === '1') {
  const message = `The folder ${home} cannot be written; choose another with --home.`
  console.error(JSON.stringify({ error: { code: 'HomeNotWritable', message, retryable: false } }))
  process.exit(4)
}

const fixture = await startControlFixture({ home })
const { webAddress } = fixture.server
console.log('a line that is no ready line')
console.log(
  JSON.stringify({ event: 'ready', webAddress, home, peer: 'peer-anna', pid: process.pid }),
)
process.on('SIGTERM', () => void fixture[Symbol.asyncDispose]().then(() => process.exit(0)))
