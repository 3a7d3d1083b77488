import { musterError, MusterFailure, thrownToText } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { OutputFormat } from '../model/output.ts'
import { api, csrfHeader, downloadPath, eventsPath } from './api.ts'
import type { AnswerOf, ApiName, BodyOf, QueryOf } from './api.ts'
import { noSuchCall } from './endpoint.ts'
import { deltaView, errorView } from './views.ts'
import type { DeltaView } from './views.ts'

/** How to reach an agent. In the window both are empty: same origin, cookie. */
export interface ControlAddress {
  readonly baseUrl: string
  readonly token?: string
}

/** What a call is given; path and query fields stand together in `query`. */
export interface CallOptions<Name extends ApiName> {
  readonly query?: QueryOf<Name>
  readonly body?: BodyOf<Name>
  readonly signal?: AbortSignal
}

/** The one client of the control API, used by window, CLI and SDK alike. */
export interface ControlClient {
  /** @throws MusterFailure with the agent's own error, or `AgentUnreachable`. */
  readonly call: <Name extends ApiName>(
    name: Name,
    options?: CallOptions<Name>,
  ) => Promise<AnswerOf<Name>>
  /** Rows of a job as the bytes of a file, as they come. @throws MusterFailure as `call` does */
  readonly download: (
    job: string,
    format: OutputFormat,
    more: { readonly head: number | undefined; readonly signal: AbortSignal },
  ) => AsyncIterable<Uint8Array>
  /**
   * Follows deltas after `since` until aborted. Ends by itself only when the connection does;
   * throws MusterFailure `NotFound` when `since` is too old and a new snapshot is needed.
   */
  readonly follow: (
    since: number,
    signal: AbortSignal,
  ) => AsyncIterable<{ readonly sequence: number; readonly delta: DeltaView }>
}

/** A client of one agent. Answers are checked against the schema of their call. */
export const createControlClient = (address: ControlAddress): ControlClient => {
  const headers: Record<string, string> = {
    [csrfHeader]: '1',
    ...(address.token === undefined ? {} : { authorization: `Bearer ${address.token}` }),
  }

  const send = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response
    try {
      response = await fetch(address.baseUrl + path, { credentials: 'same-origin', ...init })
    } catch (thrown) {
      if (init.signal?.aborted === true) throw thrown
      throw new MusterFailure(
        musterError(
          'AgentUnreachable',
          'The agent does not answer; start it with `muster agent` and try again.',
          { retryable: true, detail: thrownToText(thrown) },
        ),
      )
    }
    if (!response.ok) throw new MusterFailure(await readError(response))
    return response
  }

  const call = async <Name extends ApiName>(
    name: Name,
    options: CallOptions<Name> = {},
  ): Promise<AnswerOf<Name>> => {
    const { method, answer } = api[name]
    const response = await send(fillPath(api[name].path, options.query ?? {}), {
      method,
      headers: method === 'GET' ? headers : { ...headers, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: JSON.stringify(options.body ?? {}) } : {}),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }).catch((thrown: unknown) => {
      throw asKnownCall(name, thrown)
    })
    const parsed = answer.safeParse(await response.json())
    if (!parsed.success) throw new MusterFailure(unknownForm(name, parsed.error.message))
    return parsed.data as AnswerOf<Name>
  }

  async function* follow(since: number, signal: AbortSignal) {
    const response = await send(eventsPath, {
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': String(since) },
      signal,
    })
    if (response.body === null) return
    for await (const event of readEvents(response.body)) {
      yield { sequence: event.id, delta: deltaView.parse(JSON.parse(event.data)) }
    }
  }

  async function* download(
    job: string,
    format: OutputFormat,
    { head, signal }: { readonly head: number | undefined; readonly signal: AbortSignal },
  ) {
    const path = fillPath(downloadPath, { job, format, head })
    const response = await send(path, { headers, signal })
    if (response.body !== null) yield* response.body
  }

  return { call, follow, download }
}

/** The agent says that there is no such call, but here is one: it is of another version. */
const asKnownCall = (name: ApiName, thrown: unknown): unknown =>
  thrown instanceof MusterFailure && thrown.message === noSuchCall
    ? new MusterFailure(
        musterError(
          'Internal',
          `The agent does not know \`${name}\`, since it is of another version; restart it with this version of Muster.`,
        ),
      )
    : thrown

/** After an update the agent may still be the old one, or the caller. */
const unknownForm = (name: ApiName, detail: string) =>
  musterError(
    'Internal',
    `The agent answered \`${name}\` in a form that is unknown here; restart the agent with this version of Muster.`,
    { detail },
  )

const readError = async (response: Response) => {
  const parsed = errorView.safeParse(await response.json().catch(() => undefined))
  if (!parsed.success)
    return musterError('Internal', `The agent answered ${response.status} without a reason.`)
  const { code, message, retryable, position } = parsed.data
  return musterError(code as ErrorCode, message, {
    retryable,
    ...(position === undefined ? {} : { position }),
  })
}

const fillPath = (path: string, query: object): string => {
  const search = new URLSearchParams()
  let filled = path
  for (const [key, value] of Object.entries(query) as [
    string,
    string | number | boolean | undefined,
  ][]) {
    if (value === undefined) continue
    const mark = `:${key}`
    if (filled.includes(mark)) filled = filled.replace(mark, encodeURIComponent(String(value)))
    else search.set(key, String(value))
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

/** Parses server-sent events; keep-alive comments are skipped. */
async function* readEvents(body: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const part of body) {
    rest += decoder.decode(part, { stream: true })
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = { id: 0, data: '' }
      for (const line of rest.slice(0, end).split('\n')) {
        if (line.startsWith('id:')) event.id = Number(line.slice(3))
        if (line.startsWith('data:')) event.data += line.slice(5).trimStart()
      }
      rest = rest.slice(end + 2)
      if (event.data !== '') yield event
    }
  }
}
