import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chooseFolderChannel } from '../../../main/bridge.ts'
import { startShell } from '../../../main/shell.ts'
import { stateSentence, waitingPage } from '../../../main/waiting-page.ts'
import { createStandIn } from './stand-in-electron.ts'
import type { StandIn, StandInWindow } from './stand-in-electron.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-shell-'))
})
afterEach(async () => {
  await rm(home, { recursive: true, force: true })
})

const start = async (standIn: StandIn): Promise<void> =>
  startShell({
    electron: standIn.electron,
    restartMs: 10,
    paths: {
      node: process.execPath,
      entry: join(import.meta.dirname, 'stand-in-agent.ts'),
      home,
      preload: '/app/preload.cjs',
      icon: '/app/icon.png',
      trayIcon: '/app/tray.png',
    },
  })

/** The next page loaded from an agent. */
const loadedPage = async (window: StandInWindow, after = 0): Promise<string> => {
  for (;;) {
    const pages = window.loaded.filter((url) => url.startsWith('http:'))
    const page = pages[after]
    if (page !== undefined) return page
    await once(window, 'loaded')
  }
}

const quit = async ({ app, calls }: StandIn): Promise<void> => {
  const done = new Promise<void>((resolve) => {
    const look = (): void => {
      if (calls.filter((call) => call === 'quit').length >= 2) resolve()
      else setTimeout(look, 5)
    }
    look()
  })
  app.emit('before-quit', { preventDefault: () => void calls.push('quit', 'quit prevented') })
  await done
}

test('a second instance quits and starts nothing', async () => {
  const standIn = createStandIn({ isFirst: false })
  await start(standIn)
  expect(standIn.calls[0]).toBe('quit')
  expect(standIn.windows).toEqual([])
  expect(standIn.trays).toEqual([])
})

test('shows the agent’s page by a one-time link, again after a restart, and quits cleanly', async () => {
  const standIn = createStandIn()
  await start(standIn)
  const window = standIn.windows[0]!
  expect(decodeURIComponent(window.loaded[0] ?? '')).toContain('The agent is starting.')
  const page = await loadedPage(window)
  expect(page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{10,}/)
  const tray = standIn.trays[0]!
  expect(tray.tooltip).toBe('Muster: The agent is running.')

  window.url = `${new URL(page).origin}/#/jobs/01K?tab=map`
  const { pid } = JSON.parse(await readFile(join(home, 'control.json'), 'utf8')) as { pid: number }
  process.kill(pid, 'SIGKILL')
  const again = await loadedPage(window, 1)
  expect(again.split('#')[1]).not.toBe(page.split('#')[1])
  expect(new URLSearchParams(again.split('#')[1]).get('place')).toBe('/jobs/01K?tab=map')

  window.emit('close', { preventDefault: () => void standIn.calls.push('close prevented') })
  expect(standIn.calls).toContain('close prevented')
  expect(window.calls).toContain('hide')
  standIn.app.emit('second-instance')
  expect(window.calls.slice(-3)).toEqual(['restore', 'show', 'focus'])

  await quit(standIn)
  expect(standIn.calls).toContain('quit prevented')
  expect(tray.tooltip).toBe('Muster: The agent is stopped.')
})

test('locks the page in: no foreign address, no new window, no permission, no Node', async () => {
  const standIn = createStandIn()
  await start(standIn)
  const window = standIn.windows[0]!
  const { origin } = new URL(await loadedPage(window))
  const { webContents } = window
  expect(standIn.calls[0]).toBe('enableSandbox')
  expect(window.options.webPreferences).toMatchObject({
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: false,
    webSecurity: true,
    webviewTag: false,
    preload: '/app/preload.cjs',
  })

  const goes = (event: string, url: string): boolean => {
    let prevented = false
    webContents.emit(event, { url, preventDefault: () => (prevented = true) })
    return !prevented
  }
  for (const event of ['will-navigate', 'will-redirect', 'will-frame-navigate']) {
    expect(goes(event, `${origin}/#/jobs`)).toBe(true)
    for (const url of ['https://example.org/', 'file:///etc/passwd', `${origin}0/`, 'no url']) {
      expect(goes(event, url), `${event} ${url}`).toBe(false)
    }
  }
  expect(goes('will-attach-webview', origin)).toBe(false)
  expect(window.openHandler({ url: `${origin}/` })).toEqual({ action: 'deny' })

  const { session } = webContents
  const permits = (permission: string, url: string): boolean => {
    let told = false
    session.request(undefined, permission, (answer: boolean) => (told = answer), {
      requestingUrl: url,
    })
    expect(session.check(undefined, permission, url)).toBe(told)
    return told
  }
  expect(permits('clipboard-sanitized-write', `${origin}/`)).toBe(true)
  expect(permits('clipboard-sanitized-write', 'https://example.org/')).toBe(false)
  for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'usb']) {
    expect(permits(permission, `${origin}/`), permission).toBe(false)
  }
  expect(session.device()).toBe(false)
  const reaches = (url: string): boolean => {
    let canceled = false
    session.before({ url }, (answer: { cancel: boolean }) => (canceled = answer.cancel))
    return !canceled
  }
  expect(reaches(`${origin}/assets/index.js`)).toBe(true)
  expect(reaches('https://example.org/track')).toBe(false)
  await quit(standIn)
})

test('lets only the agent’s page ask for a folder', async () => {
  const standIn = createStandIn()
  await start(standIn)
  const { origin } = new URL(await loadedPage(standIn.windows[0]!))
  const ask = standIn.handlers.get(chooseFolderChannel)!
  expect(await ask({ senderFrame: { url: `${origin}/#/` } })).toBe('/data/scans')
  expect(await ask({ senderFrame: { url: 'https://example.org/' } })).toBe(undefined)
  expect(await ask({ senderFrame: null })).toBe(undefined)
  await quit(standIn)
})

test('the waiting page cannot be written into by what an agent said', () => {
  const state = { kind: 'restarting', inMs: 1_500, reason: '<script>alert(1)</script>' } as const
  expect(stateSentence(state)).toContain('again in 2 s')
  const page = decodeURIComponent(waitingPage(state))
  expect(page).not.toContain('<script>')
  expect(page).toContain("default-src 'none'")
})
