import type { MiniBatch, ScriptContext, Session } from '../custom-script/muster.ts'

// One model says where on a sheet the digit is, another one which digit it is.

/** Sheets are 84 pixels wide and high, digits 28. */
const [sheetSide, digitSide] = [84, 28]
/** The finder looks at a window every two pixels. */
const step = 2
const windows = (sheetSide - digitSide) / step + 1

let finder: Session
let reader: Session

export const init = async (context: ScriptContext): Promise<void> => {
  finder = await context.session('finder')
  reader = await context.session('reader')
  context.logger.info('reads with', context.modelPath('reader'))
}

export const run = async (miniBatch: MiniBatch, context: ScriptContext): Promise<object[]> => {
  const sheets = await context.decodeImages(miniBatch, {
    width: sheetSide,
    height: sheetSide,
    channels: 'gray',
    scale: 1 / 255,
  })
  const { likely } = await finder.run(sheets)
  if (likely === undefined) throw new Error('the finder has no output "likely"')
  const places = [...(await likely.argmax())].map((window) => ({
    x: (window % windows) * step,
    y: Math.floor(window / windows) * step,
  }))
  const crops = cropAll(Float32Array.from(await sheets.data(), Number), places)
  const { logits } = await reader.run({
    data: crops,
    shape: [places.length, 1, digitSide, digitSide],
  })
  if (logits === undefined) throw new Error('the reader has no output "logits"')
  const digits = await logits.argmax()
  return sheets.items.map((item, at) => ({ key: item.name, digit: digits[at], ...places[at] }))
}

/** Cuts the window at its place out of each sheet; all of them one after the other. */
const cropAll = (
  pixels: Float32Array,
  places: readonly { readonly x: number; readonly y: number }[],
): Float32Array => {
  const crops = new Float32Array(places.length * digitSide * digitSide)
  for (const [at, { x, y }] of places.entries())
    for (let row = 0; row < digitSide; row += 1) {
      const from = (at * sheetSide + y + row) * sheetSide + x
      crops.set(pixels.subarray(from, from + digitSide), (at * digitSide + row) * digitSide)
    }
  return crops
}
