import type { ReactNode } from 'react'
import './ui.css'

/** An empty place: one sentence what it is for, and the one next step. */
export const Empty = (props: { readonly sentence: string; readonly children?: ReactNode }) => (
  <div className="empty">
    <p>{props.sentence}</p>
    {props.children}
  </div>
)
