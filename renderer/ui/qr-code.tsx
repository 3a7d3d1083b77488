// The package's types know only the default.
// oxlint-disable-next-line import/no-named-as-default
import qrcode from 'qrcode-generator'
import { useMemo } from 'react'

/** A QR code, black on white in both themes, since cameras expect that. */
export const QrCode = (props: { readonly text: string; readonly label: string }) => {
  const { path, size } = useMemo(() => draw(props.text), [props.text])
  return (
    <svg
      className="qr-code"
      viewBox={`-2 -2 ${size + 4} ${size + 4}`}
      role="img"
      aria-label={props.label}
      shapeRendering="crispEdges"
    >
      <rect x="-2" y="-2" width={size + 4} height={size + 4} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

const draw = (text: string): { readonly path: string; readonly size: number } => {
  const code = qrcode(0, 'L')
  code.addData(text)
  code.make()
  const size = code.getModuleCount()
  let path = ''
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`
    }
  }
  return { path, size }
}
