import type { ReactNode } from 'react'
import './ui.css'

/** An empty place: one sentence what it is for, and the one next step. */
export const Empty = (props: {
  readonly sentence: string
  /** In one line, where other things stand below. */
  readonly isSmall?: boolean
  readonly children?: ReactNode
}) => (
  <div className={props.isSmall === true ? 'empty small-place' : 'empty'}>
    <p>{props.sentence}</p>
    {props.children}
  </div>
)
