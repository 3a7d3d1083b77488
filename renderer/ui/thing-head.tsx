import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import './thing-head.css'

/** Where a thing stands, its name, its state, and what can be done with it. */
export const ThingTitle = (props: {
  /** The page of all its kind. */
  readonly to: '/jobs' | '/runs' | '/experiments'
  readonly word: string
  readonly name: string
  readonly state?: ReactNode
  readonly children?: ReactNode
}) => (
  <div className="thing-title">
    <h1 className="clip" title={props.name}>
      <Link to={props.to} className="muted crumb">
        {props.word}
      </Link>
      <span className="muted crumb-gap" aria-hidden="true">
        /
      </span>
      {props.name}
    </h1>
    {props.state}
    <span className="thing-actions">{props.children}</span>
  </div>
)

/** One fact of a thing; `wide` ones take the room that is left. Stands in a `dl` with the class `facts`. */
export const Fact = (props: {
  readonly word: string
  readonly wide?: boolean
  readonly children: ReactNode
}) => (
  <div className={props.wide === true ? 'fact wide' : 'fact'}>
    <dt>{props.word}</dt>
    <dd className="clip">{props.children}</dd>
  </div>
)
