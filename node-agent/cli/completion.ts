import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** One command as a shell needs it; `path` is empty for the program itself. */
interface Place {
  /** Words behind `muster`, such as `job submit`. */
  readonly path: string
  readonly words: readonly Word[]
  readonly options: readonly Option[]
}

interface Word {
  readonly name: string
  readonly description: string
}

/** The script that makes a shell complete `muster`, from the commands themselves. */
export const completionScript = (program: Command, shell: Shell): string => {
  const places = placesOf(program, '', program.options)
  switch (shell) {
    case 'bash':
      return bashScript(places)
    case 'zsh':
      return zshScript(places)
    case 'fish':
      return fishScript(places)
  }
}

const placesOf = (command: Command, path: string, inherited: readonly Option[]): Place[] => {
  const options = path === '' ? inherited : [...command.options, ...inherited]
  const words = command.commands.map((one) => ({
    name: one.name(),
    description: one.description(),
  }))
  const values = command.registeredArguments.flatMap(({ argChoices, description }) =>
    (argChoices ?? []).map((name) => ({ name, description })),
  )
  const below = command.commands.flatMap((one) =>
    placesOf(one, `${path} ${one.name()}`.trim(), inherited),
  )
  return [{ path, words: [...words, ...values], options }, ...below]
}

const flagsOf = ({ long, short }: Option): readonly string[] =>
  [long, short].filter((flag) => flag !== undefined && flag !== null)

const takesValue = (option: Option): boolean => option.required || option.optional

/** Options of any command whose next word is their value: it is no command. */
const valueFlags = (places: readonly Place[]): readonly string[] => [
  ...new Set(places.flatMap(({ options }) => options.filter(takesValue).flatMap(flagsOf))),
]

/** Case branches that move on when a word is a command below the place reached. */
const steps = (places: readonly Place[]): readonly string[] =>
  places.filter(({ path }) => path !== '').map(({ path }) => path)

const choicesOf = ({ path, options }: Place): readonly (readonly [string, readonly string[]])[] =>
  options.flatMap((option) =>
    flagsOf(option).map((flag) => [`${path}|${flag}`, option.argChoices ?? []] as const),
  )

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const walk = (places: readonly Place[], words: string): readonly string[] => [
  `    case "${words}" in`,
  `      ${valueFlags(places).join('|')}) i=$((i + 1)) ;;`,
  '      -*) ;;',
  '      *)',
  `        next="\${place:+$place }${words}"`,
  '        case "$next" in',
  `          ${steps(places).map(quoted).join('|')}) place="$next" ;;`,
  '        esac ;;',
  '    esac',
]

const bashScript = (places: readonly Place[]): string =>
  [
    '# bash completion of muster; for this shell: source <(muster completion bash)',
    '_muster() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"',
    '  local place="" next="" words="" flags="" i',
    '  COMPREPLY=()',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    ...walk(places, '${COMP_WORDS[i]}'),
    '  done',
    '  case "$place|$prev" in',
    ...places
      .flatMap(choicesOf)
      .flatMap(([key, choices]) =>
        choices.length === 0
          ? []
          : [
              `    ${quoted(key)}) COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$cur")); return ;;`,
            ],
      ),
    '  esac',
    '  case "$prev" in',
    '    # Values that are no words of ours: files, by complete -o default.',
    `    ${valueFlags(places).join('|')}) return ;;`,
    '  esac',
    '  case "$place" in',
    ...places.map(
      ({ path, words, options }) =>
        `    ${quoted(path)}) words=${quoted(words.map(({ name }) => name).join(' '))} flags=${quoted([...options.flatMap(flagsOf), '--help'].join(' '))} ;;`,
    ),
    '  esac',
    '  if [[ "$cur" == -* ]]; then words="$flags"; fi',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    'complete -o default -F _muster muster',
    '',
  ].join('\n')

/** `name:description`, with the colons of both escaped. */
const described = (name: string, description: string): string =>
  quoted(`${name.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}`)

const zshScript = (places: readonly Place[]): string =>
  [
    '#compdef muster',
    '# zsh completion of muster; write it to a file called _muster in a folder of $fpath',
    '_muster() {',
    '  local place="" next="" i',
    '  local -a entries',
    '  for ((i = 2; i < CURRENT; i++)); do',
    ...walk(places, '${words[i]}'),
    '  done',
    '  case "$place|${words[CURRENT-1]}" in',
    ...places
      .flatMap(choicesOf)
      .flatMap(([key, choices]) =>
        choices.length === 0
          ? []
          : [`    ${quoted(key)}) compadd -- ${choices.join(' ')}; return ;;`],
      ),
    '  esac',
    '  case "${words[CURRENT-1]}" in',
    `    ${valueFlags(places).join('|')}) _files; return ;;`,
    '  esac',
    '  if [[ "${words[CURRENT]}" == -* ]]; then',
    '    case "$place" in',
    ...places.map(
      ({ path, options }) =>
        `      ${quoted(path)}) entries=(${options.flatMap((option) => flagsOf(option).map((flag) => described(flag, option.description))).join(' ')}) ;;`,
    ),
    '    esac',
    '  else',
    '    case "$place" in',
    ...places.map(
      ({ path, words }) =>
        `      ${quoted(path)}) entries=(${words.map(({ name, description }) => described(name, description)).join(' ')}) ;;`,
    ),
    '    esac',
    '  fi',
    '  if ((${#entries})); then _describe muster entries; else _files; fi',
    '}',
    'if [ "$funcstack[1]" = "_muster" ]; then _muster "$@"; else compdef _muster muster; fi',
    '',
  ].join('\n')

const fishScript = (places: readonly Place[]): string =>
  [
    '# fish completion of muster; write it to ~/.config/fish/completions/muster.fish',
    'function __muster_at',
    '  set -l place ""',
    '  set -l skip 0',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skip = 1',
    '      set skip 0',
    '      continue',
    '    end',
    '    switch $word',
    `      case ${valueFlags(places).join(' ')}`,
    '        set skip 1',
    "      case '-*'",
    "      case '*'",
    '        set -l next (string trim -- "$place $word")',
    '        switch $next',
    `          case ${steps(places).map(quoted).join(' ')}`,
    '            set place $next',
    '        end',
    '    end',
    '  end',
    '  test "$place" = "$argv[1]"',
    'end',
    ...places.flatMap(({ path, words, options }) => {
      const at = `complete -c muster -n ${quoted(`__muster_at "${path}"`)}`
      return [
        ...words.map(
          ({ name, description }) => `${at} -f -a ${quoted(name)} -d ${quoted(description)}`,
        ),
        ...options.map((option) => `${at} ${fishOption(option)}`),
      ]
    }),
    '',
  ].join('\n')

const fishOption = (option: Option): string => {
  const { long, short, argChoices, description } = option
  const choices = argChoices === undefined ? '' : ` -f -a ${quoted(argChoices.join(' '))}`
  return [
    typeof long === 'string' ? `-l ${long.slice(2)}` : '',
    typeof short === 'string' ? `-s ${short.slice(1)}` : '',
    takesValue(option) ? `-r${choices}` : '',
    `-d ${quoted(description)}`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}
