import {
  argumentsByKind,
  choicesOf,
  flagsByKind,
  flagsOf,
  isNameKind,
  stepsOf,
  valueFlags,
} from './places.ts'
import type { Place, ValueKind } from './places.ts'
import { patterns, quoted } from './quoting.ts'

export const zshScript = (places: readonly Place[]): string =>
  [...helpers, ...reading(places), ...offers(places)].join('\n')

const helpers = [
  '#compdef muster',
  '# zsh completion of muster; write it to a file called _muster in a folder of $fpath',
  '_muster_names() {',
  '  local line name about',
  '  local -a entries',
  '  for line in "${(@f)$(${(Q)words[1]} ${home:+--home} ${home:+${(Q)home}} names "$1" 2> /dev/null)}"; do',
  '    name="${line%%$\'\\t\'*}" about="${line#*$\'\\t\'}"',
  '    [[ -n "$name" ]] && entries+=("${name//:/\\\\:}:${about//:/\\\\:}")',
  '  done',
  '  _describe -V "$1" entries',
  '}',
]

/** Finds the command, the word before and the place among its arguments. */
const reading = (places: readonly Place[]): readonly string[] => [
  '_muster() {',
  '  local place="" next="" home="" prev="${words[CURRENT-1]}" n=0 i',
  '  local -a entries',
  '  for ((i = 2; i < CURRENT; i++)); do',
  '    case "${words[i]}" in',
  '      --home) home="${words[i+1]}" i=$((i + 1)) ;;',
  '      --home=*) home="${words[i]#*=}" ;;',
  `      ${patterns(valueFlags(places))}) i=$((i + 1)) ;;`,
  '      -* | help) ;;',
  '      *)',
  '        next="${place:+$place }${words[i]}"',
  '        case "$next" in',
  `          ${patterns(stepsOf(places))}) place="$next" n=0 ;;`,
  '          *) n=$((n + 1)) ;;',
  '        esac ;;',
  '    esac',
  '  done',
  '  home="${home/#\\~\\//$HOME/}"',
  '  if [[ "${words[CURRENT]}" == --*=* ]]; then',
  '    prev="${words[CURRENT]%%=*}"; compset -P \'*=\'',
  '  fi',
]

const offers = (places: readonly Place[]): readonly string[] => [
  '  case "$place|$prev" in',
  ...choicesOf(places).map(
    ([key, choices]) => `    ${quoted(key)}) compadd -- ${choices.join(' ')}; return ;;`,
  ),
  '  esac',
  '  case "$prev" in',
  ...[...flagsByKind(places)].map(
    ([kind, flags]) => `    ${patterns(flags)}) ${offer(kind)}; return ;;`,
  ),
  '  esac',
  '  if [[ "${words[CURRENT]}" == -* ]]; then',
  '    case "$place" in',
  ...places.map(
    ({ path, options }) =>
      `      ${quoted(path)}) entries=(${options.flatMap((option) => flagsOf(option).map((flag) => described(flag, option.description))).join(' ')}) ;;`,
  ),
  '    esac',
  '    _describe muster entries; return',
  '  fi',
  '  case "$place|$n" in',
  ...places.flatMap(({ path, words }) =>
    words.length === 0
      ? []
      : [
          `    ${quoted(`${path}|0`)}) entries=(${words.map(({ name, description }) => described(name, description)).join(' ')}); _describe muster entries ;;`,
        ],
  ),
  ...[...argumentsByKind(places)]
    .filter(([kind]) => kind !== 'none')
    .map(([kind, keys]) => `    ${patterns(keys)}) ${offer(kind)} ;;`),
  '  esac',
  '}',
  'if [ "$funcstack[1]" = "_muster" ]; then _muster "$@"; else compdef _muster muster; fi',
  '',
]

const others = { files: '_files', data: '_muster_names datasets; _files', none: ':' } as const

const offer = (kind: ValueKind): string =>
  isNameKind(kind) ? `_muster_names ${kind}` : others[kind]

/** `name:description`, with the colons of both escaped. */
const described = (name: string, description: string): string =>
  quoted(`${name.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}`)
