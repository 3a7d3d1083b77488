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

/**
 * Names come from other machines and may hold anything: they are compared and quoted, and never given to `compgen -W`,
 * which would run what stands in `$(...)`.
 */
export const bashScript = (places: readonly Place[]): string =>
  [...helpers, ...reading(places), ...offers(places)].join('\n')

const helpers = [
  '# bash completion of muster; for this shell: source <(muster completion bash)',
  '_muster_words() {',
  '  local word',
  '  while IFS= read -r word; do',
  `    word="\${word%%$'\\t'*}"`,
  '    if [[ -n "$word" && "$word" == "$typed"* ]]; then',
  '      if [[ "$open" == "" ]]; then word="$(printf %q "$word")"; else word="$open$word"; fi',
  '      COMPREPLY+=("${word#"$joined"}")',
  '    fi',
  '  done',
  '}',
  '_muster_no_files() { type compopt > /dev/null 2>&1 && compopt +o default 2> /dev/null; }',
  '_muster_names() {',
  '  [[ "$2" == files ]] || _muster_no_files',
  '  _muster_words < <("${COMP_WORDS[0]}" ${home:+--home "$home"} names "$1" 2> /dev/null)',
  '}',
]

/** Finds the command, the word before and the place among its arguments. */
const reading = (places: readonly Place[]): readonly string[] => [
  '_muster() {',
  '  local words=() last="" joined="" cur="" prev="" typed="" open="" home="" place="" next="" n=0 i',
  '  COMPREPLY=()',
  '  # Bash cuts words at = and :, which are parts of ours.',
  '  for ((i = 0; i <= COMP_CWORD; i++)); do',
  '    last="${COMP_WORDS[i]}"',
  '    if ((i > 1)) && [[ "$last" == [=:]* || "${COMP_WORDS[i-1]}" == *[=:] ]]; then',
  '      joined="${words[${#words[@]}-1]}"',
  '      [[ "$last" == [=:] ]] && joined="$joined$last" last=""',
  '      words[${#words[@]}-1]="$joined$last"',
  '    else joined="" words+=("$last"); fi',
  '  done',
  '  local count=${#words[@]}',
  '  cur="${words[count-1]}" prev="${words[count-2]}"',
  '  if [[ "$cur" == --*=* ]]; then',
  '    prev="${cur%%=*}" cur="${cur#*=}" joined="${joined#*=}"',
  '  fi',
  '  for ((i = 1; i < count - 1; i++)); do',
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
  `  case "$cur" in \\"* | \\'*) open="\${cur:0:1}" typed="\${cur:1}" ;; *) typed="\${cur//\\\\/}" ;; esac`,
]

const offers = (places: readonly Place[]): readonly string[] => [
  '  case "$place|$prev" in',
  ...choicesOf(places).map(
    ([key, choices]) => `    ${quoted(key)}) _muster_words <<< ${lines(choices)}; return ;;`,
  ),
  '  esac',
  '  case "$prev" in',
  ...[...flagsByKind(places)].map(([kind, flags]) => `    ${patterns(flags)}) ${offer(kind)} ;;`),
  '  esac',
  '  if [[ "$cur" == -* ]]; then',
  '    case "$place" in',
  ...places.map(
    ({ path, options }) =>
      `      ${quoted(path)}) _muster_words <<< ${lines([...options.flatMap(flagsOf), '--help'])} ;;`,
  ),
  '    esac',
  '    return',
  '  fi',
  '  case "$place|$n" in',
  ...places.flatMap(({ path, words }) =>
    words.length === 0
      ? []
      : [
          `    ${quoted(`${path}|0`)}) _muster_words <<< ${lines(words.map(({ name }) => name))}; return ;;`,
        ],
  ),
  ...[...argumentsByKind(places)]
    .filter(([kind]) => kind !== 'none')
    .map(([kind, keys]) => `    ${patterns(keys)}) ${offer(kind)} ;;`),
  '  esac',
  '  _muster_no_files',
  '}',
  'complete -o default -F _muster muster',
  '',
]

/** Files are what `complete -o default` offers where nothing else is. */
const others = {
  files: 'return',
  data: '_muster_names datasets files; return',
  none: '_muster_no_files; return',
} as const

const offer = (kind: ValueKind): string =>
  isNameKind(kind) ? `_muster_names ${kind}; return` : others[kind]

const lines = (words: readonly string[]): string => quoted(words.join('\n'))
