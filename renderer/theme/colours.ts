/**
 * The page's colours, the only place they are written. CSS gets them as variables, canvases read them
 * from here, and `test/window/colours.test.ts` proves their contrast and that the states stay apart for
 * red-green blind people.
 */

/** What a state looks like. Jobs, mini-batches and machines are all shown with these seven. */
export type StateTone =
  'waiting' | 'running' | 'committed' | 'retried' | 'failed' | 'canceled' | 'paused'

export const stateTones: readonly StateTone[] = [
  'waiting',
  'running',
  'committed',
  'retried',
  'failed',
  'canceled',
  'paused',
]

export interface StateColour {
  /** For shapes, bars and cells: 3:1 against page and panel. */
  readonly mark: string
  /** For words: 4.5:1 against page and panel. */
  readonly text: string
}

export interface Palette {
  readonly page: string
  readonly panel: string
  /** Under the pointer, and the track of bars. */
  readonly hover: string
  readonly border: string
  /** Outlines of controls: 3:1 against page and panel. */
  readonly controlBorder: string
  readonly text: string
  readonly muted: string
  /** For what can be pressed. */
  readonly accent: string
  /** Text on the accent: 4.5:1. */
  readonly onAccent: string
  readonly accentSoft: string
  readonly states: Readonly<Record<StateTone, StateColour>>
}

export const light: Palette = {
  page: '#f6f7f9',
  panel: '#ffffff',
  hover: '#eceef2',
  border: '#e0e3e9',
  controlBorder: '#868f9d',
  text: '#171a21',
  muted: '#565e6b',
  accent: '#4f46e5',
  onAccent: '#ffffff',
  accentSoft: '#ecebfd',
  states: {
    waiting: { mark: '#838c99', text: '#565e6b' },
    running: { mark: '#2563d9', text: '#1d55bf' },
    committed: { mark: '#0e9a74', text: '#08715a' },
    retried: { mark: '#bd7d00', text: '#855600' },
    failed: { mark: '#c81e3a', text: '#b51630' },
    canceled: { mark: '#838c99', text: '#565e6b' },
    paused: { mark: '#838c99', text: '#565e6b' },
  },
}

export const dark: Palette = {
  page: '#0e1116',
  panel: '#161a21',
  hover: '#202630',
  border: '#272d38',
  controlBorder: '#6f7a8b',
  text: '#e6e9ef',
  muted: '#9ca5b4',
  accent: '#8b93fb',
  onAccent: '#0e1116',
  accentSoft: '#232648',
  states: {
    waiting: { mark: '#717c8d', text: '#9ca5b4' },
    running: { mark: '#4d8ef7', text: '#7eaefb' },
    committed: { mark: '#35cfa3', text: '#4fd8b0' },
    retried: { mark: '#e5ab3d', text: '#e9b755' },
    failed: { mark: '#f0506b', text: '#fb8093' },
    canceled: { mark: '#717c8d', text: '#9ca5b4' },
    paused: { mark: '#717c8d', text: '#9ca5b4' },
  },
}
