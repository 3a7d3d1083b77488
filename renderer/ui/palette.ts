import { useComputedColorScheme } from '@mantine/core'
import { dark, light } from '../theme/colours.ts'
import type { Palette } from '../theme/colours.ts'

/** The colours of the theme that is on, for canvases. */
export const usePalette = (): Palette =>
  useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark' ? dark : light
