import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MiniBatch, ScriptContext } from '../custom-script/muster.ts'

// Puts the pictures of each mini-batch side by side into one file: a contact sheet.

const side = 28

export const run = async (miniBatch: MiniBatch, context: ScriptContext): Promise<string[]> => {
  const images = await context.decodeImages(miniBatch, {
    width: side,
    height: side,
    channels: 'gray',
    dtype: 'uint8',
  })
  for (const { message } of images.failures) context.logger.warning(message)
  const pixels = await images.data()
  const count = images.items.length
  const width = count * side
  const sheet = new Uint8Array(width * side)
  for (let at = 0; at < sheet.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)]
    sheet[at] = Number(pixels[Math.floor(x / side) * side * side + y * side + (x % side)])
  }
  // A mini-batch's number makes a name that no other one has.
  const name = `sheet-${String(miniBatch.index).padStart(4, '0')}.pgm`
  const head = `P5\n${width} ${side}\n255\n`
  await writeFile(join(context.outputDirectory, name), Buffer.concat([Buffer.from(head), sheet]))
  // Nobody reads these rows, but they are counted: an item without one has failed.
  return images.items.map((item) => item.name)
}
