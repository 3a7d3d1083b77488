import { useEffect, useRef } from 'react'

/** Hears the wheel on an element. React listens passively, which cannot stop the page from scrolling. */
export const useWheel = (
  ref: React.RefObject<HTMLElement | null>,
  turn: (event: WheelEvent) => void,
): void => {
  const newest = useRef(turn)
  useEffect(() => {
    newest.current = turn
  })
  useEffect(() => {
    const element = ref.current
    const hear = (event: WheelEvent): void => newest.current(event)
    element?.addEventListener('wheel', hear, { passive: false })
    return () => element?.removeEventListener('wheel', hear)
  }, [ref])
}
