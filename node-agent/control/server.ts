import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { createAdaptorServer } from '@hono/node-server'
import { musterError, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { ControlBackend, DeltaSource } from '#agent/ports/control-backend.ts'
import type { Log } from '#agent/ports/log.ts'
import { createApp } from './app.ts'
import { createFollowers } from './followers.ts'
import { createSignIns } from './sign-ins.ts'
import { writeTokenFile } from './token-file.ts'

export interface ControlServerDeps {
  readonly backend: ControlBackend
  readonly deltas: DeltaSource
  /** Folder of the built window; it may be missing. */
  readonly pageFolder: string
  readonly host: '127.0.0.1'
  /** 0 takes any free port. */
  readonly port: number
  /** Absolute path of `control.json`. */
  readonly tokenFile: string
  /** PeerId, for `control.json`. */
  readonly peer: string
  /** Muster's version, for the OpenAPI document. */
  readonly version: string
  readonly log: Log
  /** Milliseconds since 1970 UTC; only the expiry of sign-in codes uses it. */
  readonly now?: () => number
}

/** Disposing takes at most a little more than `limits.controlDrainMs`, whoever is connected. */
export interface ControlServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly webAddress: string
  readonly token: string
}

/** Serves the control API and the window on loopback. Errors: `PortTaken`, `HomeNotWritable`. */
export const startControlServer = async (
  deps: ControlServerDeps,
): Promise<Result<ControlServer, MusterError>> => {
  const signIns = createSignIns(deps.now ?? Date.now)
  const followers = createFollowers(deps.deltas)
  const underWay = new Set<AbortController>()
  let place: { hosts: ReadonlySet<string>; webAddress: string } = {
    hosts: new Set(),
    webAddress: '',
  }
  const app = createApp({ ...deps, signIns, followers, underWay, place: () => place })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    serverOptions: { requestTimeout: limits.requestArrivalMs },
  }) as Server
  server.maxConnections = limits.controlConnections
  // On the raw answer, so that every answer has them, those that the library itself makes too.
  server.prependListener('request', (_, outgoing) => {
    for (const [name, value] of safeHeaders) outgoing.setHeader(name, value)
  })

  const stop = (): Promise<void> => {
    followers[Symbol.dispose]()
    return closeServer(server, underWay)
  }

  const listening = await listen(server, deps)
  if (!listening.ok) {
    followers[Symbol.dispose]()
    return listening
  }
  place = placeOf(deps.host, listening.value)
  const { webAddress } = place
  const { token } = signIns
  const file = await writeTokenFile(deps.tokenFile, {
    webAddress,
    token,
    pid: process.pid,
    peer: deps.peer,
  })
  if (!file.ok) {
    await stop()
    return file
  }
  deps.log.info('control API is open', { webAddress })

  let disposing: Promise<void> | undefined
  const dispose = async (): Promise<void> => {
    await file.value[Symbol.asyncDispose]()
    await stop()
  }
  return ok({ webAddress, token, [Symbol.asyncDispose]: () => (disposing ??= dispose()) })
}

const safeHeaders: readonly (readonly [string, string])[] = [
  [
    'content-security-policy',
    [
      "default-src 'self'",
      "img-src 'self' data:",
      "style-src 'self' 'unsafe-inline'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "object-src 'none'",
    ].join('; '),
  ],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
]

const placeOf = (host: string, port: number) => {
  const webAddress = `http://${host}:${port}`
  // URL leaves out port 80, as browsers do.
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].map(
    (name) => new URL(`http://${name}:${port}`).host,
  )
  return { webAddress, hosts: new Set(hosts) }
}

const listen = (
  server: Server,
  { host, port }: ControlServerDeps,
): Promise<Result<number, MusterError>> =>
  new Promise((resolve) => {
    server.once('error', (thrown: NodeJS.ErrnoException) => {
      const why = thrown.code === 'EADDRINUSE' ? 'is taken by another program' : 'cannot be opened'
      resolve(
        err(
          musterError(
            'PortTaken',
            `Port ${port} on ${host} ${why}; choose another with --web-port, or 0 for any free one.`,
            { detail: thrownToText(thrown) },
          ),
        ),
      )
    })
    server.listen({ host, port, exclusive: true }, () => {
      resolve(ok((server.address() as AddressInfo).port))
    })
  })

/** Calls under way get a moment to end, are aborted then, and cut off at last. */
const closeServer = async (server: Server, underWay: Set<AbortController>): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection kept alive becomes idle when its answer has ended, and would stay for seconds.
  const idle = setInterval(() => server.closeIdleConnections(), limits.controlIdleMs)
  const abort = setTimeout(() => {
    for (const call of underWay) call.abort()
  }, limits.controlDrainMs)
  const cut = setTimeout(() => server.closeAllConnections(), limits.controlCutMs)
  await closed
  for (const timer of [idle, abort, cut]) clearTimeout(timer)
}
