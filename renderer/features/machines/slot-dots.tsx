import { formatPlural } from '../../ui/format.ts'
import './machines.css'

/** More dots than this would not be counted by eye: then a figure stands instead. */
const dotsShown = 8

/** Slots as dots: solid is busy, hollow is free. */
export const SlotDots = (props: { readonly busy: number; readonly slots: number }) => {
  const all = Math.max(props.slots, props.busy)
  const label = `${props.busy} of ${formatPlural(props.slots, 'slot')} busy`
  if (all === 0) return null
  if (all > dotsShown) {
    return (
      <span className="slot-figure" title={label}>
        {props.busy} / {all}
      </span>
    )
  }
  return (
    <span className="slot-dots" role="img" aria-label={label} title={label}>
      {Array.from({ length: all }, (_, index) => (
        <span key={index} className={index < props.busy ? 'dot busy' : 'dot'} />
      ))}
    </span>
  )
}
