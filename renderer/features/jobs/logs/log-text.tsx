import { TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useLayoutEffect, useMemo, useRef, useState } from 'react'
import { logLinesAsked } from '../../../agent/log-queries.ts'
import { CopyAction } from '../../../ui/copy-line.tsx'
import { Empty } from '../../../ui/empty.tsx'
import { formatCount, formatPlural } from '../../../ui/format.ts'
import './logs.css'

/** Nearer to the end than this is the end: new lines are followed then. */
const nearPx = 40

/** Lines of text with a search; stays at the end while new ones come, unless the reader went up. */
export const LogText = (props: {
  readonly text: string
  readonly what: string
  readonly follows?: boolean
}) => {
  const { text, what, follows = false } = props
  const [wanted, setWanted] = useState('')
  const words = wanted.trim().toLowerCase()
  const all = useMemo(() => text.replace(/\r?\n$/, '').split(/\r?\n/), [text])
  const shown = useMemo(
    () => (words === '' ? all : all.filter((line) => line.toLowerCase().includes(words))),
    [all, words],
  )
  const ref = useFollow(shown.length, follows)
  return (
    <div className="panel log-panel">
      <div className="log-bar">
        <TextInput
          type="search"
          size="xs"
          className="search"
          aria-label={`Find in the ${what}`}
          placeholder="Lines with"
          leftSection={<IconSearch size="0.875rem" />}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
        <span className="rows-count muted" role="status">
          {countLine(text, all.length, words === '' ? undefined : shown.length)}
        </span>
        <CopyAction text={shown.join('\n')} what={what} />
      </div>
      {text === '' ? (
        <Empty sentence="Nothing was printed so far." />
      ) : shown.length === 0 ? (
        <Empty sentence={`No line contains “${wanted.trim()}”.`} />
      ) : (
        <pre ref={ref} className="mono log-text" tabIndex={0} role="region" aria-label={what}>
          {shown.join('\n')}
        </pre>
      )}
    </div>
  )
}

const countLine = (text: string, all: number, found: number | undefined): string => {
  if (text === '') return ''
  const of = all < logLinesAsked ? formatPlural(all, 'line') : `the last ${formatCount(all)} lines`
  return found === undefined ? of : `${formatCount(found)} of ${of}`
}

const useFollow = (lines: number, follows: boolean) => {
  const ref = useRef<HTMLPreElement>(null)
  const isAtEnd = useRef(true)
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return undefined
    const note = (): void => {
      isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < nearPx
    }
    if (follows && isAtEnd.current) element.scrollTop = element.scrollHeight
    element.addEventListener('scroll', note, { passive: true })
    return () => element.removeEventListener('scroll', note)
  }, [lines, follows])
  return ref
}
