import type { Option } from 'commander'
import { flagsByKind, isNameKind, stepsOf, takesValue, valueFlags } from './places.ts'
import type { Place, ValueKind } from './places.ts'
import { quoted } from './quoting.ts'

export const fishScript = (places: readonly Place[]): string => {
  const kinds = flagsByKind(places)
  const kindOf = (flag: string): ValueKind =>
    [...kinds].find(([, flags]) => flags.includes(flag))?.[0] ?? 'none'
  return [...reading(places), ...places.flatMap((place) => offers(place, kindOf)), ''].join('\n')
}

/** Functions that find the command and the place among its arguments. */
const reading = (places: readonly Place[]): readonly string[] => [
  '# fish completion of muster; write it to ~/.config/fish/completions/muster.fish',
  'function __muster_look',
  '  set -g __muster_place ""',
  '  set -g __muster_n 0',
  '  set -g __muster_home',
  '  set -l before ""',
  '  for word in (commandline -opc)[2..-1]',
  '    if test "$before" != ""',
  '      test "$before" = --home; and set -g __muster_home --home (string replace -r "^~/" "$HOME/" -- $word)',
  '      set before ""',
  '      continue',
  '    end',
  '    switch $word',
  `      case ${valueFlags(places).join(' ')}`,
  '        set before $word',
  "      case '--home=*'",
  '        set -g __muster_home --home (string replace -- --home= "" $word)',
  "      case '-*' help",
  "      case '*'",
  '        set -l next (string trim -- "$__muster_place $word")',
  '        switch $next',
  `          case ${stepsOf(places).map(quoted).join(' ')}`,
  '            set __muster_place $next',
  '            set __muster_n 0',
  "          case '*'",
  '            set __muster_n (math $__muster_n + 1)',
  '        end',
  '    end',
  '  end',
  'end',
  'function __muster_at',
  '  __muster_look',
  '  test "$__muster_place" = "$argv[1]"; or return 1',
  '  test (count $argv) -lt 2; or test "$argv[2]" = "*"; or test $__muster_n = $argv[2]',
  'end',
  'function __muster_names',
  '  __muster_look',
  '  set -l command (commandline -opc)[1]',
  '  $command $__muster_home names $argv[1] 2> /dev/null',
  'end',
  'complete -c muster -f',
]

const offers = (
  { path, words, options, values, repeated }: Place,
  kindOf: (flag: string) => ValueKind,
): readonly string[] => {
  const at = (place = ''): string =>
    `complete -c muster -n ${quoted(`__muster_at "${path}"${place}`)}`
  return [
    ...words.map(
      ({ name, description }) => `${at(' 0')} -f -a ${quoted(name)} -d ${quoted(description)}`,
    ),
    ...values.flatMap((kind, place) => {
      const where = repeated && place === values.length - 1 ? ' "*"' : ` ${place}`
      if (kind === 'files') return [`${at(where)} -F`]
      if (kind === 'data') return [`${at(where)} -F -k -a ${names('datasets')}`]
      return isNameKind(kind) ? [`${at(where)} -f -k -a ${names(kind)}`] : []
    }),
    ...options.map((option) => `${at()} ${fishOption(option, kindOf)}`),
  ]
}

const names = (kind: ValueKind): string => quoted(`(__muster_names ${kind})`)

const fishOption = (option: Option, kindOf: (flag: string) => ValueKind): string => {
  const { long, short, argChoices, description } = option
  const kind = kindOf(long ?? '')
  const choices =
    argChoices !== undefined
      ? ` -f -a ${quoted(argChoices.join(' '))}`
      : isNameKind(kind)
        ? ` -f -k -a ${names(kind)}`
        : kind === 'files'
          ? ' -F'
          : ' -f'
  return [
    typeof long === 'string' ? `-l ${long.slice(2)}` : '',
    typeof short === 'string' ? `-s ${short.slice(1)}` : '',
    takesValue(option) ? `-r${choices}` : '',
    `-d ${quoted(description)}`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}
