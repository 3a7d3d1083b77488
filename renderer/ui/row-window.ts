import { useCallback, useLayoutEffect, useState } from 'react'

/** Which of many equally high rows are in sight, and where they stand inside the scrolled element. */
export interface RowWindow {
  /** First row to draw. */
  readonly first: number
  /** One past the last row to draw. */
  readonly last: number
  /** Height of the scrolled content, px. */
  readonly height: number
  /** Top of a row inside the scrolled content, px. */
  readonly topOf: (row: number) => number
}

/**
 * Browsers cap the height of an element at about 33 million px, which 1.2 million rows of 28 px reach.
 * Beyond this the content stays as high and scrolls faster instead, so any number of rows can be reached.
 */
export const contentHeightMax = 30_000_000
/** Rows drawn beyond the edges, so that quick scrolling shows rows and not gaps. */
const overscan = 6

export const rowWindowAt = (view: {
  readonly count: number
  readonly rowHeight: number
  readonly scrollTop: number
  readonly viewHeight: number
}): RowWindow => {
  const { count, rowHeight, viewHeight } = view
  const full = count * rowHeight
  const height = Math.min(full, contentHeightMax)
  const scrollTop = Math.max(0, Math.min(view.scrollTop, height - viewHeight))
  const factor = height > viewHeight ? (full - viewHeight) / (height - viewHeight) : 1
  const offset = scrollTop * factor
  return {
    first: Math.max(0, Math.floor(offset / rowHeight) - overscan),
    last: Math.min(count, Math.ceil((offset + viewHeight) / rowHeight) + overscan),
    height,
    topOf: (row) => row * rowHeight - offset + scrollTop,
  }
}

/** Follows the scrolling of an element. Give `ref` to the element that scrolls. */
export const useRowWindow = (options: {
  readonly count: number
  readonly rowHeight: number
  /** Height of a sticky header inside the element, px. */
  readonly headerHeight: number
}): { readonly ref: (element: HTMLElement | null) => void; readonly window: RowWindow } => {
  const { count, rowHeight, headerHeight } = options
  const [element, setElement] = useState<HTMLElement | null>(null)
  const [view, setView] = useState({ scrollTop: 0, viewHeight: 600 })

  const read = useCallback(() => {
    if (element === null) return
    const next = {
      scrollTop: element.scrollTop,
      viewHeight: Math.max(rowHeight, element.clientHeight - headerHeight),
    }
    setView((known) =>
      known.scrollTop === next.scrollTop && known.viewHeight === next.viewHeight ? known : next,
    )
  }, [element, rowHeight, headerHeight])

  useLayoutEffect(() => {
    if (element === null) return undefined
    read()
    const watch = new ResizeObserver(read)
    watch.observe(element)
    element.addEventListener('scroll', read, { passive: true })
    return () => {
      watch.disconnect()
      element.removeEventListener('scroll', read)
    }
  }, [element, read])

  return { ref: setElement, window: rowWindowAt({ count, rowHeight, ...view }) }
}

/** Scrolls as little as shows a row; the content may scroll faster than its rows are high. */
export const bringIntoSight = (
  scroller: HTMLElement | null,
  window: Pick<RowWindow, 'height' | 'topOf'>,
  at: {
    readonly row: number
    readonly rows: number
    readonly rowHeight: number
    /** Height of a sticky header inside the element, px. */
    readonly headerHeight?: number
  },
): void => {
  if (scroller === null) return
  const { row, rows, rowHeight, headerHeight = 0 } = at
  const view = scroller.clientHeight - headerHeight
  const top = window.topOf(row) - scroller.scrollTop
  if (top >= 0 && top + rowHeight <= view) return
  const full = rows * rowHeight
  const offset = top < 0 ? row * rowHeight : (row + 1) * rowHeight - view
  scroller.scrollTop =
    full === window.height ? offset : (offset * (window.height - view)) / Math.max(1, full - view)
}
