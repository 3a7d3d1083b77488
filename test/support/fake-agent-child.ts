import process from 'node:process'
import { runCli } from '#agent/cli/run.ts'
import type { StartAgent } from '#agent/ports/agent-options.ts'
import { err, ok } from '#protocol/model/result.ts'
import { tryControlFixture } from './control-fixture.ts'

/**
 * `muster` with an agent in memory, for tests of the commands that start and stop one. A name of `hangs`
 * makes an agent that never finishes stopping; the PeerId it tells carries the options it was given.
 */
const startAgent: StartAgent = async (options) => {
  const started = await tryControlFixture({ home: options.home, port: options.webPort })
  if (!started.ok) return err(started.error)
  const fixture = started.value
  const gone = Promise.withResolvers<void>()
  const stop = async (): Promise<void> => {
    if (options.name === 'hangs') await new Promise(() => setInterval(() => {}, 1_000))
    await fixture[Symbol.asyncDispose]()
    gone.resolve()
  }
  void fixture.stopped.then(stop)
  let stopping: Promise<void> | undefined
  return ok({
    webAddress: fixture.server.webAddress,
    peer: `peer of ${JSON.stringify(options)}`,
    stopped: gone.promise,
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  })
}

process.exitCode = await runCli(process.argv.slice(2), startAgent)
