import { describe, expect, test } from 'vitest'
import { dark, light, stateTones } from '../../renderer/theme/colours.ts'
import type { Palette } from '../../renderer/theme/colours.ts'

type Rgb = readonly [number, number, number]

const linear = (hex: string): Rgb => {
  const part = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}

const luminance = (hex: string): number => {
  const [red, green, blue] = linear(hex)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

const contrast = (a: string, b: string): number => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

/** Machado, Oliveira and Fernandes (2009), full strength, on linear light. */
const simulators = {
  protanopia: [
    0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
  ],
  deuteranopia: [
    0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
  ],
} as const

const seenBy = (matrix: readonly number[], hex: string): Rgb => {
  const [red, green, blue] = linear(hex)
  const row = (at: number): number =>
    Math.min(1, Math.max(0, matrix[at]! * red + matrix[at + 1]! * green + matrix[at + 2]! * blue))
  return [row(0), row(3), row(6)]
}

/** Oklab, in which equal distances look equally different. */
const oklab = ([red, green, blue]: Rgb): Rgb => {
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const distance = (a: Rgb, b: Rgb): number => {
  const [x, y] = [oklab(a), oklab(b)]
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2])
}

const themes: readonly (readonly [string, Palette])[] = [
  ['light', light],
  ['dark', dark],
]

describe.each(themes)('%s theme', (_, palette) => {
  const grounds = [palette.page, palette.panel]

  test('text reaches 4.5:1 on page, panel and under the pointer', () => {
    const texts = [
      palette.text,
      palette.muted,
      ...stateTones.map((tone) => palette.states[tone].text),
    ]
    for (const text of texts)
      for (const ground of [...grounds, palette.hover])
        expect(contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5)
    expect(contrast(palette.onAccent, palette.accent)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(palette.accent, palette.accentSoft)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(palette.muted, palette.accentSoft)).toBeGreaterThanOrEqual(4.5)
  })

  test('marks and outlines of controls reach 3:1', () => {
    const marks = [palette.controlBorder, ...stateTones.map((tone) => palette.states[tone].mark)]
    for (const mark of marks)
      for (const ground of grounds)
        expect(contrast(mark, ground), `${mark} on ${ground}`).toBeGreaterThanOrEqual(3)
  })

  test.each(['protanopia', 'deuteranopia'] as const)(
    'states stay apart for people with %s',
    (kind) => {
      // What small cells of the map are filled with, where there is no room for shapes. The greys of
      // waiting, paused and canceled are only ever drawn hollow, struck or as bars.
      const { running, committed, retried, failed } = palette.states
      const fills = [
        palette.border,
        ...[running, committed, retried, failed].map(({ mark }) => mark),
      ]
      for (const [at, one] of fills.entries())
        for (const other of fills.slice(at + 1)) {
          const apart = distance(seenBy(simulators[kind], one), seenBy(simulators[kind], other))
          // 0.02 is just noticeable in Oklab; four times that is told apart at a glance.
          expect(apart, `${one} and ${other}`).toBeGreaterThan(0.08)
        }
    },
  )
})
