import { createTheme } from '@mantine/core'
import type { CSSVariablesResolver, MantineColorsTuple } from '@mantine/core'
import { dark, light, stateTones } from './colours.ts'
import type { Palette } from './colours.ts'

const indigo: MantineColorsTuple = [
  '#eef2ff',
  '#e0e7ff',
  '#c7d2fe',
  '#a5b4fc',
  '#8b93fb',
  '#6366f1',
  '#4f46e5',
  '#4338ca',
  '#3730a3',
  '#312e81',
]

/** Mantine paints its dark theme from this tuple: 0 is text, 4 borders, 6 fields, 7 the body. */
const night: MantineColorsTuple = [
  dark.text,
  '#c5cbd6',
  dark.muted,
  dark.controlBorder,
  '#39414e',
  dark.border,
  '#1b2028',
  dark.panel,
  '#12151b',
  dark.page,
]

export const theme = createTheme({
  colors: { indigo, dark: night },
  primaryColor: 'indigo',
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  luminanceThreshold: 0.3,
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'JetBrains Mono', ui-monospace, monospace",
  fontSizes: {
    xs: '0.75rem',
    sm: '0.8125rem',
    md: '0.875rem',
    lg: '1rem',
    xl: '1.25rem',
  },
  lineHeights: { xs: '1.45', sm: '1.45', md: '1.45', lg: '1.45', xl: '1.3' },
  headings: { fontWeight: '600' },
  components: {
    // Named, so that theme/base.css can find it.
    Button: { defaultProps: { variant: 'filled' } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Modal: {
      defaultProps: {
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 140 },
      },
    },
  },
})

/** Our palette as CSS variables, and Mantine's own contrast failures mended with it. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: variablesOf(light),
  dark: variablesOf(dark),
})

const variablesOf = (palette: Palette): Record<string, string> => {
  const variables: Record<string, string> = {
    '--page': palette.page,
    '--panel': palette.panel,
    '--hover': palette.hover,
    '--border': palette.border,
    '--control-border': palette.controlBorder,
    '--text': palette.text,
    '--muted': palette.muted,
    '--accent': palette.accent,
    '--on-accent': palette.onAccent,
    '--accent-soft': palette.accentSoft,
    '--mantine-color-body': palette.panel,
    '--mantine-color-text': palette.text,
    '--mantine-color-dimmed': palette.muted,
    '--mantine-color-placeholder': palette.muted,
    '--mantine-color-error': palette.states.failed.text,
    '--mantine-color-default-border': palette.border,
    '--mantine-color-default-hover': palette.hover,
  }
  for (const tone of stateTones) {
    variables[`--${tone}-mark`] = palette.states[tone].mark
    variables[`--${tone}-text`] = palette.states[tone].text
  }
  return variables
}
