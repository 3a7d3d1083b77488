import { useLayoutEffect, useRef, useState } from 'react'
import './ui.css'

/**
 * Words of others that may be many: the first lines, and a button for the rest where there is one. Line
 * breaks stay.
 */
export const LongText = (props: { readonly text: string; readonly lines?: number }) => {
  const { text, lines = 3 } = props
  const [isWhole, setIsWhole] = useState(false)
  const { ref, isCut } = useIsCut(text)
  return (
    <span className="long-text">
      <span
        ref={ref}
        className={isWhole ? 'long-words' : 'long-words cut'}
        style={{ '--lines': lines } as React.CSSProperties}
      >
        {text}
      </span>
      {isCut || isWhole ? (
        <button
          type="button"
          className="long-more"
          aria-expanded={isWhole}
          onClick={() => setIsWhole(!isWhole)}
        >
          {isWhole ? 'Less' : 'All of it'}
        </button>
      ) : null}
    </span>
  )
}

/** Whether a text has more lines than are shown. */
const useIsCut = (text: string) => {
  const ref = useRef<HTMLSpanElement>(null)
  const [isCut, setIsCut] = useState(false)
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return undefined
    const look = (): void => setIsCut(element.scrollHeight > element.clientHeight + 1)
    look()
    const watch = new ResizeObserver(look)
    watch.observe(element)
    return () => watch.disconnect()
  }, [text])
  return { ref, isCut }
}
