import type { Connection } from '@libp2p/interface'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Hello } from '#protocol/wire/hello/protocol.ts'
import type { Verdict } from './hello.ts'

/**
 * A link is one connection to one peer. It is *open* after the handshake and *greeted* after the hello;
 * of each peer at most one link is greeted, and only that one is seen outside.
 */
export interface Link {
  readonly peer: PeerId
  readonly connection: Connection
  /** True if we dialled. */
  readonly dialled: boolean
  /** Resolves true when greeted, false when the connection ends before. */
  readonly greeted: Promise<boolean>
  /** The peer's hello, once the verdict is `kept`. */
  hello?: Hello
  greetedAt: number
  closed: boolean
  /** A hello of the other side is being answered or was. */
  answering: boolean
  /** Messages that could not be decoded. */
  undecodable: number
  /** Why we closed it, in one sentence; undefined while open or closed by the other side. */
  closeReason?: string
  /** Run once when the connection has ended. */
  readonly onClosed: Set<() => void>
}

export interface Links {
  /** The link of a connection, made when it is met first. */
  readonly of: (connection: Connection) => Link
  readonly greetedOf: (peer: PeerId) => Link | undefined
  readonly greetedPeers: () => readonly PeerId[]
  readonly all: () => readonly Link[]
  /** What the lower PeerId says about a connection whose hellos fit. */
  readonly judge: (link: Link, hello: Hello) => Verdict
  /** Makes `link` the peer's link; an older one is closed before. */
  readonly markGreeted: (link: Link, hello: Hello) => void
  /** Cuts the connection at once. */
  readonly cut: (link: Link, reason: string) => void
}

export interface LinksDeps {
  readonly now: () => number
  readonly answerMs: number
  readonly onGreeted: (link: Link, hello: Hello) => void
  /** Only for links that were greeted. */
  readonly onLost: (link: Link, reason: string) => void
}

interface Entry {
  readonly link: Link
  readonly settle: (greeted: boolean) => void
}

export const createLinks = ({ now, answerMs, onGreeted, onLost }: LinksDeps): Links => {
  const entryByConnection = new Map<Connection, Entry>()
  const greetedByPeer = new Map<PeerId, Link>()

  const onClose = (connection: Connection, thrown: Error | undefined): void => {
    const entry = entryByConnection.get(connection)
    if (entry === undefined) return
    entryByConnection.delete(connection)
    const { link } = entry
    link.closed = true
    entry.settle(false)
    for (const run of link.onClosed) run()
    link.onClosed.clear()
    if (greetedByPeer.get(link.peer) !== link) return
    greetedByPeer.delete(link.peer)
    onLost(link, link.closeReason ?? reasonOf(thrown))
  }

  const of = (connection: Connection): Link => {
    const known = entryByConnection.get(connection)
    if (known !== undefined) return known.link
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const link = newLink(connection, promise)
    if (link.closed) resolve(false)
    else entryByConnection.set(connection, { link, settle: resolve })
    connection.addEventListener('close', (event) => onClose(connection, event.error))
    return link
  }

  const cut = (link: Link, reason: string): void => {
    if (link.closed) return
    link.closeReason ??= reason
    link.connection.abort(new Error(reason))
    onClose(link.connection, undefined)
  }

  const markGreeted = (link: Link, hello: Hello): void => {
    const before = greetedByPeer.get(link.peer)
    if (before !== undefined && before !== link) cut(before, replaced)
    const entry = entryByConnection.get(link.connection)
    if (entry === undefined) return
    keep(link, hello, now())
    greetedByPeer.set(link.peer, link)
    onGreeted(link, hello)
    entry.settle(true)
  }

  const all = (): readonly Link[] => [...entryByConnection.values()].map((entry) => entry.link)

  return {
    of,
    greetedOf: (peer) => greetedByPeer.get(peer),
    greetedPeers: () => [...greetedByPeer.keys()],
    all,
    judge: (link, hello) => {
      const rivals = all().filter((l) => l !== link && l.peer === link.peer && !l.closed)
      const verdict = judgeAmong(rivals, link, hello, now() - answerMs)
      if (verdict === 'kept') keep(link, hello, now())
      return verdict
    },
    markGreeted,
    cut,
  }
}

const newLink = (connection: Connection, greeted: Promise<boolean>): Link => ({
  peer: connection.remotePeer.toString() as PeerId,
  connection,
  dialled: connection.direction === 'outbound',
  greeted,
  greetedAt: 0,
  closed: connection.status !== 'open',
  answering: false,
  undecodable: 0,
  onClosed: new Set(),
})

const keep = (link: Link, hello: Hello, now: number): void => {
  link.hello = hello
  link.greetedAt = now
}

const judgeAmong = (
  rivals: readonly Link[],
  link: Link,
  hello: Hello,
  brandNewSince: number,
): Verdict => {
  const kept = rivals.find((rival) => rival.hello !== undefined)
  // None is kept yet: one that we dialled and that is past its handshake will be.
  if (kept === undefined)
    return !link.dialled && rivals.some((rival) => rival.dialled) ? 'doubled' : 'kept'
  const startedAt = kept.hello?.startedAt ?? 0
  if (hello.startedAt !== startedAt) return hello.startedAt > startedAt ? 'kept' : 'doubled'
  // Nobody dials while it has a connection: if ours is not brand-new, the peer has lost it.
  return kept.greetedAt < brandNewSince ? 'kept' : 'doubled'
}

const replaced = 'A newer connection of the same peer took its place.'

const reasonOf = (thrown: Error | undefined): string =>
  thrown === undefined
    ? 'The other side closed the connection.'
    : `The connection was lost (${thrown.message}).`
