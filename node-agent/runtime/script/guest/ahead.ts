import type { AheadWords, TensorWords } from '../words.ts'
import type { Channel } from './channel.ts'
import { readTensors } from './handles.ts'
import type { Handle } from './handles.ts'
import type { Item, MiniBatch } from './items.ts'

/**
 * Guesses what a script will ask for. One that asks for one picture after the other, in their order and with the
 * same options, most likely goes on; one that ran the model on each picture alone will do so with the next. What is
 * guessed comes with one round trip for many pictures. A wrong guess is forgotten: nobody can tell but by the time.
 */
export interface Ahead {
  /** Undefined: ask for this one alone. */
  readonly picture: (item: Item, options: object) => Promise<TensorWords | undefined>
  /** What the model makes of this tensor as its only feed; undefined: ask. */
  readonly outputs: (id: number, feed: string) => readonly Handle[] | undefined
  /** This tensor was released: what was made of it must not be found any more. */
  readonly released: (id: number) => void
  /** A mini-batch begins. */
  readonly begin: (miniBatch: MiniBatch) => void
  /** The mini-batch is over, and its tensors are gone. */
  readonly forget: () => void
}

/** Pictures at once, at most. */
const mostAhead = 32
/** Pictures that were asked for, or fed alone, in a row before it is a habit. */
const habit = 2

/** A picture that the runtime process made before it was asked for; undefined: it cannot be had so. */
type Made =
  { readonly picture: TensorWords; readonly outputs: readonly Handle[] | undefined } | undefined

/** Neighbouring pictures that come, or came, with one answer, which may end early. */
interface Group {
  readonly first: number
  readonly end: number
  readonly answer: Promise<readonly Made[]>
}

/** The row of pictures that the script goes along. */
interface Row {
  readonly miniBatch: MiniBatch | undefined
  readonly wish: string
  next: number
  length: number
  /** Groups of pictures that were not taken yet, by place. */
  readonly groups: Map<number, Group>
  /** The last picture taken, until it is fed. */
  last: number | undefined
  /** The input by which the pictures before it were fed, and how many in a row. */
  feed: string
  fed: number
}

/** All that is guessed, and from what. */
interface Guess {
  readonly channel: Channel
  /** The one under way. */
  miniBatch: MiniBatch | undefined
  row: Row
  /** Of pictures that were taken and not yet fed, by the tensor's number. */
  readonly outputs: Map<number, { readonly feed: string; readonly handles: readonly Handle[] }>
}

export const createAhead = (channel: Channel): Ahead => {
  const row: Row = { ...anew, miniBatch: undefined, wish: '', next: 0, groups: new Map() }
  const guess: Guess = { channel, miniBatch: undefined, row, outputs: new Map() }
  const { outputs } = guess
  return {
    picture: (item, options) => nextPicture(guess, item, options),
    outputs: (id, feed) => {
      const here = guess.row
      const goesOn = id === here.last && (here.fed === 0 || feed === here.feed)
      here.fed = goesOn ? here.fed + 1 : 0
      here.feed = feed
      here.last = undefined
      const found = outputs.get(id)
      outputs.delete(id)
      return found?.feed === feed ? found.handles : undefined
    },
    released: (id) => outputs.delete(id),
    begin: (miniBatch) => {
      guess.miniBatch = miniBatch
    },
    forget: () => {
      guess.miniBatch = undefined
      outputs.clear()
      const nowhere = { miniBatch: undefined, next: -1, last: undefined, groups: new Map() }
      guess.row = { ...guess.row, ...nowhere }
    },
  }
}

const nextPicture = async (
  guess: Guess,
  item: Item,
  options: object,
): Promise<TensorWords | undefined> => {
  const here = follow(guess, item, JSON.stringify(options))
  guess.row = here
  if (here.last !== undefined) here.fed = 0
  here.next += 1
  here.length += 1
  const count = Math.min(mostAhead, here.length, (here.miniBatch?.size ?? 0) - item.index)
  if (!here.groups.has(item.index) && here.length > habit && count > 1)
    fetch(guess, item.index, item.index + count, options)
  const made = await take(guess, here, item.index, options)
  if (made === undefined || here !== guess.row) return made?.picture
  const { id } = made.picture
  here.last = id
  if (made.outputs !== undefined) guess.outputs.set(id, { feed: here.feed, handles: made.outputs })
  return made.picture
}

/** The row that the picture goes on with, or a new one. */
const follow = (guess: Guess, item: Item, wish: string): Row => {
  const { channel, row } = guess
  // Not one that a script has kept from before, or made itself.
  const miniBatch = guess.miniBatch?.items[item.index] === item ? guess.miniBatch : undefined
  const goesOn = miniBatch === row.miniBatch && item.index === row.next
  if (goesOn && wish === row.wish) return row
  drop(channel, row)
  // What a script did with one mini-batch it does with the next.
  const again = miniBatch !== row.miniBatch && item.index === 0 && wish === row.wish
  const { length, feed, fed } = again ? row : anew
  return { ...anew, length, feed, fed, miniBatch, wish, next: item.index, groups: new Map() }
}

const fetch = ({ channel, row }: Guess, first: number, end: number, options: object): void => {
  const at = Array.from({ length: end - first }, (_, i) => first + i)
  const feed = row.fed > habit ? row.feed : null
  const answer = channel
    .call({ what: 'decodeEach', at, options, feed })
    .then(({ value, body }) => readMade(channel, value as readonly AheadWords[], body))
    // What is wrong is told to whoever asks for the picture itself.
    .catch(() => at.map(() => undefined))
  const group: Group = { first, end, answer }
  for (const place of at) row.groups.set(place, group)
}

/** Takes a picture out of its group, or asks for the rest of one that ended before it. */
const take = async (guess: Guess, here: Row, place: number, options: object): Promise<Made> => {
  for (;;) {
    const group = here.groups.get(place)
    if (group === undefined) return undefined
    const made = await group.answer
    if (place - group.first < made.length) {
      here.groups.delete(place)
      return made[place - group.first]
    }
    if (here !== guess.row) return undefined
    if (here.groups.get(place) === group) fetch(guess, place, group.end, options)
  }
}

const anew = { length: 0, last: undefined, feed: '', fed: 0 } as const

/** What was made and will not be taken. */
const drop = (channel: Channel, { groups }: Row): void => {
  for (const [place, { first, answer }] of groups)
    void answer.then((made) => {
      const one = made[place - first]
      if (one === undefined) return
      channel.call({ what: 'release', id: one.picture.id }).catch(() => {})
      for (const output of one.outputs ?? []) output.release()
    })
}

const readMade = (
  channel: Channel,
  words: readonly AheadWords[],
  body: Uint8Array,
): readonly Made[] => {
  const all = words.flatMap(({ outputs }) => outputs ?? [])
  const handles = readTensors(channel, all, body)
  let at = 0
  return words.map(({ picture, outputs }) => {
    const from = at
    at += outputs?.length ?? 0
    if (picture === null) return undefined
    return { picture, outputs: outputs === null ? undefined : handles.slice(from, at) }
  })
}
