import { useEffect, useState } from 'react'
import { useAgent } from '../../../agent/context.tsx'
import { errorText } from '../../../agent/queries.ts'
import { addAnswer, emptyBook } from './spans.ts'
import type { SpanBook } from './spans.ts'

const liveMs = 1_000

/** The attempts of a job, kept up to date while it is open. Each answer tells only what is new. */
export const useSpans = (
  job: string,
  open: boolean,
): { readonly book: SpanBook; readonly error: string; readonly asked: boolean } => {
  const { client } = useAgent()
  const [state, setState] = useState({ job, book: emptyBook, error: '', asked: false })
  useEffect(() => {
    const stop = new AbortController()
    let book = emptyBook
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async (): Promise<void> => {
      try {
        const query = { job, ...(book.at === 0 ? {} : { since: book.at }) }
        const answer = await client.call('timeline', { query, signal: stop.signal })
        book = addAnswer(book, answer)
        setState({ job, book, error: '', asked: true })
      } catch (thrown) {
        if (stop.signal.aborted) return
        setState({ job, book, error: errorText(thrown), asked: true })
      }
      if (open && !stop.signal.aborted) timer = setTimeout(() => void ask(), liveMs)
    }
    void ask()
    return () => {
      stop.abort()
      clearTimeout(timer)
    }
  }, [client, job, open])
  return state.job === job ? state : { book: emptyBook, error: '', asked: false }
}
