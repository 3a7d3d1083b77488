import './ui.css'

/** A bar of parts of one whole. Parts are shares 0 to 1 and stand in the order given. */
export const Bar = (props: {
  readonly label: string
  readonly parts: readonly { readonly share: number; readonly colour: string }[]
  readonly thin?: boolean
}) => {
  const whole = props.parts.reduce((sum, { share }) => sum + share, 0)
  return (
    <div
      className={props.thin === true ? 'bar thin' : 'bar'}
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(whole * 100)}
    >
      {props.parts.map(({ share, colour }) =>
        share > 0 ? (
          <span key={colour} style={{ width: `${share * 100}%`, background: colour }} />
        ) : null,
      )}
    </div>
  )
}
