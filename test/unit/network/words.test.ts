import { describe, expect, it } from 'vitest'
import { asPeerId } from '#protocol/model/ids.ts'
import { wordList } from '#agent/network/word-list.ts'
import { pairingWords, wordsFor } from '#agent/network/words.ts'

describe('words to compare', () => {
  it('are 256 different short ones', () => {
    expect(wordList.length).toBe(256)
    expect(new Set(wordList).size).toBe(256)
    for (const word of wordList) expect(word).toMatch(/^[a-z]{3,8}$/)
  })

  it('are four, and the same for the same bytes', () => {
    const words = wordsFor(Uint8Array.of(1, 2, 3))
    expect(words.split(' ').length).toBe(4)
    expect(wordsFor(Uint8Array.of(1, 2, 3))).toBe(words)
    expect(wordsFor(Uint8Array.of(1, 2, 4))).not.toBe(words)
  })

  it('are the same on both machines, and depend on all three', () => {
    const secret = new Uint8Array(16).fill(9)
    const [one, other, third] = ['one', 'other', 'third'].map(asPeerId)
    if (one === undefined || other === undefined || third === undefined) throw new Error('three')
    expect(pairingWords(secret, one, other)).toBe(pairingWords(secret, other, one))
    expect(pairingWords(secret, one, third)).not.toBe(pairingWords(secret, one, other))
    expect(pairingWords(new Uint8Array(16), one, other)).not.toBe(pairingWords(secret, one, other))
  })
})
