/** A word or name in one line: where it is cut, the pointer tells all of it. */
export const ClippedText = (props: { readonly text: string; readonly className?: string }) => (
  <span
    className={props.className === undefined ? 'clip clipped' : `clip clipped ${props.className}`}
    title={props.text}
  >
    {props.text}
  </span>
)
