import type { MiniBatch, ScriptContext } from '../custom-script/muster.ts'

// Compares all digits of a mini-batch with each other, by what the model made of them.

interface Embedded {
  readonly item: string
  readonly embedding: readonly number[]
}

/** Embeddings have length 1, so this is the cosine: 1 for the same direction. */
const likeness = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, number, at) => sum + number * (b[at] ?? 0), 0)

export const run = async (miniBatch: MiniBatch, context: ScriptContext): Promise<object[]> => {
  const neighbours = Number(context.arguments['neighbours'] ?? 1)
  const names = await miniBatch.rowNames()
  // The step before wrote these rows: JSON Lines keeps lists and numbers.
  const digits = (await miniBatch.rows()) as unknown as readonly Embedded[]
  return digits.map((digit, at) => ({
    key: names[at],
    digit: digit.item,
    like: digits
      .filter((other) => other !== digit)
      .map(({ item, embedding }) => ({
        digit: item,
        likeness: Number(likeness(digit.embedding, embedding).toFixed(6)),
      }))
      .sort((a, b) => b.likeness - a.likeness)
      .slice(0, neighbours),
  }))
}
