import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import {
  api,
  downloadPath,
  eventsPath,
  inputPicturePath,
  picturePath,
  signInPath,
} from '#protocol/control/api.ts'
import type { ApiName } from '#protocol/control/api.ts'
import { noSuchCall } from '#protocol/control/endpoint.ts'
import { openApiDocument, openApiPath } from '#protocol/control/open-api.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import type { BackendCall, ControlBackend, Picture } from '#agent/ports/control-backend.ts'
import type { Log } from '#agent/ports/log.ts'
import { answerDownload } from './download.ts'
import type { Followers } from './followers.ts'
import {
  isApiPath,
  refuseForeign,
  refuseOtherThanJson,
  refuseStranger,
  refuseUnmarked,
} from './guard.ts'
import type { Asker } from './guard.ts'
import { createPage } from './page.ts'
import { readBody, readFields, readSequence } from './read-request.ts'
import type { SignIns } from './sign-ins.ts'
import { errorAnswer, jsonAnswer } from './status.ts'

export interface AppDeps {
  readonly backend: ControlBackend
  readonly followers: Followers
  readonly signIns: SignIns
  readonly pageFolder: string
  readonly version: string
  readonly log: Log
  /** Values of `Host` that are ours, and the address in links; known once the port is. */
  readonly place: () => { readonly hosts: ReadonlySet<string>; readonly webAddress: string }
  /** Requests under way; the server aborts them when it stops. */
  readonly underWay: Set<AbortController>
}

type Env = { Bindings: HttpBindings }
type Asked = Context<Env>

/** Routes and guards. Each call of `api` becomes one route; nothing here knows what they mean. */
export const createApp = (deps: AppDeps): Hono<Env> => {
  const app = new Hono<Env>({ strict: true })
  app.use(async (c, next) => refuseForeign(asker(c), deps.place().hosts) ?? (await next()))
  app.use('/api/*', async (c, next) => refuseAsker(c, deps) ?? (await next()))
  app.on('POST', '/api/*', async (c, next) => refuseOtherThanJson(asker(c)) ?? (await next()))

  app.post(signInPath, (c) => signIn(c, deps))
  app.get(openApiPath, () => jsonAnswer(openApiDocument(deps.version)))
  app.get(eventsPath, (c) => follow(c, deps.followers))
  app.get(picturePath, (c) => during(c, deps, (signal) => picture(c, deps.backend, signal)))
  app.get(inputPicturePath, (c) =>
    during(c, deps, (signal) => inputPicture(c, deps.backend, signal)),
  )
  app.get(downloadPath, (c) =>
    during(c, deps, (signal) => {
      const { format, head } = c.req.query()
      return answerDownload({ job: c.req.param('job'), format, head }, deps.backend, signal)
    }),
  )
  for (const name of Object.keys(api) as ApiName[]) {
    app.on(api[name].method, api[name].path, (c) =>
      during(c, deps, (signal) => answerCall(c, deps, { name, signal })),
    )
  }

  const servePage = createPage(deps.pageFolder)
  app.get('*', (c) => (isApiPath(c.req.path) ? unknownPath() : servePage(c.req.path)))
  app.notFound(() => unknownPath())
  app.onError((thrown) => internal(thrown, 'request', deps.log))
  return app
}

const asker = (c: Asked): Asker => ({
  method: c.req.method,
  path: c.req.path,
  header: (name) => c.req.header(name),
})

/** Cookies do not know ports: the name keeps two agents on one machine apart. */
const cookieName = (deps: AppDeps): string =>
  `muster_session_${new URL(deps.place().webAddress).port || '80'}`

const refuseAsker = (c: Asked, deps: AppDeps): Response | undefined =>
  c.req.path === signInPath
    ? refuseUnmarked(asker(c))
    : refuseStranger(asker(c), deps.signIns, getCookie(c, cookieName(deps)))

/** Runs a call with a signal that is aborted when the asker hangs up or the server stops. */
const during = async (
  c: Asked,
  deps: AppDeps,
  run: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> => {
  const controller = new AbortController()
  const hungUp = (): void => controller.abort()
  c.env.outgoing.once('close', hungUp)
  deps.underWay.add(controller)
  try {
    return await run(controller.signal)
  } finally {
    deps.underWay.delete(controller)
    c.env.outgoing.off('close', hungUp)
  }
}

const answerCall = async (
  c: Asked,
  deps: AppDeps,
  { name, signal }: { name: ApiName; signal: AbortSignal },
): Promise<Response> => {
  const query = readFields(api[name].query, { ...c.req.query(), ...c.req.param() })
  if (!query.ok) return errorAnswer(query.error)
  const body =
    c.req.method === 'POST'
      ? await readBody(api[name].body, c.env.incoming)
      : readFields(api[name].body, {})
  if (!body.ok) return errorAnswer(body.error)
  try {
    const result =
      name === 'signInCode'
        ? ok(openCode(deps))
        : await callBackend(deps.backend, name, { query: query.value, body: body.value, signal })
    return result.ok ? jsonAnswer(result.value) : errorAnswer(result.error)
  } catch (thrown) {
    return internal(thrown, name, deps.log)
  }
}

/** The one place where the pairing of name, query and body, known from `api`, is lost to the compiler. */
const callBackend = (
  backend: ControlBackend,
  name: BackendCall,
  request: { query: unknown; body: unknown; signal: AbortSignal },
): Promise<Result<unknown, MusterError>> => backend.handlers[name](request as never)

/** The code stands behind `#`, which browsers neither send nor log; the page takes it out at once. */
const openCode = ({ signIns, place }: AppDeps) => {
  const { code, expiresAt } = signIns.openCode()
  return { code, url: `${place().webAddress}/#code=${code}`, expiresAt }
}

const signIn = async (c: Asked, deps: AppDeps): Promise<Response> => {
  const body = await readBody(undefined, c.env.incoming)
  if (!body.ok) return errorAnswer(body.error)
  const code = (body.value as { code?: unknown } | null)?.code
  const cookie = typeof code === 'string' ? deps.signIns.exchange(code) : undefined
  if (cookie === undefined) {
    return errorAnswer(
      musterError(
        'Unauthorized',
        'The sign-in code is unknown, used or expired; run `muster ui` for a new one.',
      ),
    )
  }
  setCookie(c, cookieName(deps), cookie, { httpOnly: true, sameSite: 'Strict', path: '/' })
  c.header('cache-control', 'no-store')
  return c.json({ done: true })
}

const follow = (c: Asked, followers: Followers): Response => {
  const since = readSequence(c.req.header('last-event-id') ?? c.req.query('since'))
  if (!since.ok) return errorAnswer(since.error)
  switch (followers.follow(c.env.outgoing, since.value)) {
    case 'following':
      return RESPONSE_ALREADY_SENT
    case 'gone':
      return errorAnswer(
        musterError(
          'NotFound',
          'Changes that old are gone; take a new snapshot and follow from it.',
        ),
        410,
      )
    case 'full':
      return errorAnswer(
        musterError(
          'Full',
          'Too many programs follow this agent; close some windows and try again.',
          {
            retryable: true,
          },
        ),
      )
  }
}

const picture = async (
  c: Asked,
  backend: ControlBackend,
  signal: AbortSignal,
): Promise<Response> => {
  const { job, item } = c.req.param() as { job: string; item: string }
  if (!/^\d{1,9}$/.test(item) || job.length > 64) return unknownPath()
  return pictureAnswer(await backend.picture(job, Number(item), signal))
}

const inputPicture = async (
  c: Asked,
  backend: ControlBackend,
  signal: AbortSignal,
): Promise<Response> => {
  const { input = '', name = '' } = c.req.query()
  if (name === '' || name.length > limits.itemNameBytes) return unknownPath()
  try {
    return pictureAnswer(await backend.inputPicture(JSON.parse(input), name, signal))
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    return errorAnswer(musterError('RequestInvalid', 'The input is not JSON; write it as such.'))
  }
}

const pictureAnswer = (result: Result<Picture, MusterError>): Response => {
  if (!result.ok) return errorAnswer(result.error)
  const { bytes, mediaType } = result.value
  // The bytes come from somebody's folder: whatever they are, they may not act as a page of ours.
  const image = /^image\/(?:avif|bmp|gif|jpeg|png|webp)$/.test(mediaType)
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      'content-type': image ? mediaType : 'application/octet-stream',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'no-store',
    },
  })
}

const unknownPath = (): Response => errorAnswer(musterError('NotFound', noSuchCall))

const internal = (thrown: unknown, call: string, log: Log): Response => {
  if (thrown instanceof MusterFailure) return errorAnswer(thrown.error)
  log.error('a call failed unexpectedly', {
    call,
    thrown: thrownToText(thrown),
    stack: thrown instanceof Error ? thrown.stack : undefined,
  })
  return errorAnswer(
    musterError(
      'Internal',
      `The agent failed at \`${call}\`; its log says more, please report it.`,
    ),
  )
}
