import type { StateTone } from '../theme/colours.ts'
import './ui.css'

/** Shape and word of a state: colour is never the only sign. */
export const StateMark = (props: { readonly tone: StateTone; readonly word: string }) => (
  <span className="state-mark" style={{ color: `var(--${props.tone}-text)` }}>
    <StateShape tone={props.tone} />
    <span>{props.word}</span>
  </span>
)

/** The shape alone; give it a word nearby. */
export const StateShape = (props: { readonly tone: StateTone }) => (
  <svg
    className="state-shape"
    viewBox="0 0 12 12"
    aria-hidden="true"
    style={{ color: `var(--${props.tone}-mark)` }}
  >
    {shapes[props.tone]}
  </svg>
)

const stroke = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.6 } as const
const cut = { fill: 'none', stroke: 'var(--panel)', strokeWidth: 1.5 } as const

const shapes: Readonly<Record<StateTone, React.JSX.Element>> = {
  waiting: <circle cx="6" cy="6" r="4.2" {...stroke} />,
  running: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  committed: (
    <>
      <rect x="1" y="1" width="10" height="10" rx="2.5" fill="currentColor" />
      <path d="M3.4 6.2 5.3 8 8.7 4.2" {...cut} />
    </>
  ),
  retried: (
    <path
      d="M1 3.5A2.5 2.5 0 0 1 3.5 1H6v3h5v4.5A2.5 2.5 0 0 1 8.5 11h-5A2.5 2.5 0 0 1 1 8.5z"
      fill="currentColor"
    />
  ),
  failed: <path d="M2 2 10 10M10 2 2 10" {...stroke} strokeWidth={2.2} />,
  canceled: (
    <>
      <circle cx="6" cy="6" r="4.2" {...stroke} />
      <path d="M1.5 10.5 10.5 1.5" {...stroke} />
    </>
  ),
  paused: <path d="M3 1.5h2v9H3zM7 1.5h2v9H7z" fill="currentColor" />,
}
