import type { Argument, Command, Option } from 'commander'

/** Of what there are ids or names that an agent knows. */
export const nameKinds = [
  'jobs',
  'pipelines',
  'models',
  'datasets',
  'datastores',
  'pools',
  'experiments',
  'schedules',
  'peers',
  'settings',
] as const
export type NameKind = (typeof nameKinds)[number]

/** What a shell offers for a value: names of a kind, files, datasets or files, or nothing. */
export type ValueKind = NameKind | 'files' | 'data' | 'none'

/** One command as a shell needs it; `path` is empty for the program itself. */
export interface Place {
  /** Words behind `muster`, such as `job submit`. */
  readonly path: string
  readonly words: readonly Word[]
  readonly options: readonly Option[]
  /** What its arguments are, in their order; the last one again and again if it is `repeated`. */
  readonly values: readonly ValueKind[]
  readonly repeated: boolean
}

interface Word {
  readonly name: string
  readonly description: string
}

export const placesOf = (
  command: Command,
  path: string,
  inherited: readonly Option[],
): readonly Place[] => {
  const options = path === '' ? inherited : [...command.options, ...inherited]
  const words = command.commands.map((one) => ({
    name: one.name(),
    description: one.description(),
  }))
  const given = command.registeredArguments
  const choices = given.flatMap(({ argChoices, description }) =>
    (argChoices ?? []).map((name) => ({ name, description })),
  )
  const place = {
    path,
    words: [...words, ...choices],
    options,
    values: given.map((one) => argumentKind(path, one)),
    repeated: given.at(-1)?.variadic === true,
  }
  const below = command.commands.flatMap((one) =>
    placesOf(one, `${path} ${one.name()}`.trim(), inherited),
  )
  return [place, ...below]
}

export const flagsOf = ({ long, short }: Option): readonly string[] =>
  [long, short].filter((flag) => flag !== undefined && flag !== null)

export const takesValue = (option: Option): boolean => option.required || option.optional

/** Options of any command whose next word is their value: it is no command. */
export const valueFlags = (places: readonly Place[]): readonly string[] => [
  ...new Set(places.flatMap(({ options }) => options.filter(takesValue).flatMap(flagsOf))),
]

/** Commands, by all of their words. */
export const stepsOf = (places: readonly Place[]): readonly string[] =>
  places.filter(({ path }) => path !== '').map(({ path }) => path)

/** `PLACE|FLAG` and the words that its value may be. */
export const choicesOf = (places: readonly Place[]): readonly (readonly [string, string[]])[] =>
  places.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.argChoices === undefined
        ? []
        : flagsOf(option).map((flag) => [`${path}|${flag}`, option.argChoices ?? []] as const),
    ),
  )

/** The flags whose value is of a kind, whatever the command. */
export const flagsByKind = (places: readonly Place[]): ReadonlyMap<ValueKind, readonly string[]> =>
  Map.groupBy(valueFlags(places), (flag) => optionKinds[flag] ?? 'none')

/** `PLACE|N` of arguments by their kind; N counts from 0, and is `*` for one that is repeated. */
export const argumentsByKind = (
  places: readonly Place[],
): ReadonlyMap<ValueKind, readonly string[]> => {
  const all = places.flatMap(({ path, values, repeated }) =>
    values.map((kind, at) => {
      const isMany = repeated && at === values.length - 1
      return { kind, key: `${path}|${isMany ? '*' : at}` }
    }),
  )
  const grouped = Map.groupBy(all, ({ kind }) => kind)
  return new Map([...grouped].map(([kind, entries]) => [kind, entries.map(({ key }) => key)]))
}

export const isNameKind = (kind: ValueKind): kind is NameKind =>
  nameKinds.some((one) => one === kind)

const argumentKind = (path: string, argument: Argument): ValueKind =>
  argumentKinds[`${path} ${argument.name()}`] ?? argumentKinds[argument.name()] ?? 'none'

/** By name of the argument, with its command in front where that matters. */
const argumentKinds: Readonly<Record<string, ValueKind>> = {
  job: 'jobs',
  pipeline: 'pipelines',
  model: 'models',
  dataset: 'datasets',
  data: 'data',
  experiment: 'experiments',
  names: 'experiments',
  schedule: 'schedules',
  peer: 'peers',
  key: 'settings',
  file: 'files',
  path: 'files',
  'datastore show name': 'datastores',
  'datastore remove name': 'datastores',
  'pool show name': 'pools',
  'pool remove name': 'pools',
}

const optionKinds: Readonly<Record<string, ValueKind>> = {
  '--peer': 'peers',
  '--machine': 'peers',
  '--experiment': 'experiments',
  '--datastore': 'datastores',
  '--home': 'files',
  '--path': 'files',
  '--output': 'files',
}
