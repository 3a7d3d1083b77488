import type { BrowserWindow, Session, WebContents } from 'electron'
import type { AgentState } from './agent-process.ts'
import type { ElectronModule } from './electron-module.ts'
import { waitingPage } from './waiting-page.ts'

/** The one window. It shows the agent's own page and nothing else. */
export interface MainWindow {
  readonly show: () => void
  /** Shows the page of a running agent, or says what the shell waits for. */
  readonly follow: (state: AgentState) => Promise<void>
  /** Whether a web address belongs to the agent shown now. */
  readonly isAgent: (url: string) => boolean
}

export interface MainWindowDeps {
  readonly electron: Pick<ElectronModule, 'BrowserWindow'>
  /** Absolute path of the built preload file. */
  readonly preload: string
  readonly icon: string
  /** A fresh one-time link to the agent's page. */
  readonly signInUrl: () => Promise<string>
  /** Closing hides the window unless the app is quitting: the agent goes on. */
  readonly isQuitting: () => boolean
}

export const createMainWindow = (deps: MainWindowDeps): MainWindow => {
  let origin = ''
  const isAgent = (url: string): boolean => origin !== '' && originOf(url) === origin
  const window = openWindow(deps)
  lockDown(window.webContents, isAgent)
  lockSession(window.webContents.session, isAgent)
  window.once('ready-to-show', () => window.show())
  window.on('close', (event) => {
    if (deps.isQuitting()) return
    event.preventDefault()
    window.hide()
  })

  const follow = async (state: AgentState): Promise<void> => {
    if (window.isDestroyed()) return
    const place = isAgent(window.webContents.getURL())
      ? new URL(window.webContents.getURL()).hash.slice(1)
      : '/'
    if (state.kind !== 'running') {
      // A page that is open keeps its last known state, and says how old it is.
      if (origin === '') await window.loadURL(waitingPage(state))
      return
    }
    const url = await deps.signInUrl()
    origin = originOf(url) ?? ''
    const again = place.startsWith('/') ? `&place=${encodeURIComponent(place)}` : ''
    await window.loadURL(url + again)
  }

  return {
    show: () => {
      if (window.isMinimized()) window.restore()
      window.show()
      window.focus()
    },
    follow,
    isAgent,
  }
}

const openWindow = ({ electron, preload, icon }: MainWindowDeps): BrowserWindow =>
  new electron.BrowserWindow({
    width: 1_280,
    height: 800,
    minWidth: 800,
    minHeight: 560,
    show: false,
    title: 'Muster',
    icon,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
    },
  })

/** The page may move within the agent's own address only, and opens nothing. */
const lockDown = (contents: WebContents, isAgent: (url: string) => boolean): void => {
  const denyForeign = (event: { readonly url: string; preventDefault: () => void }): void => {
    if (!isAgent(event.url)) event.preventDefault()
  }
  contents.on('will-navigate', denyForeign)
  contents.on('will-redirect', denyForeign)
  contents.on('will-frame-navigate', denyForeign)
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

/** Nothing is permitted but writing text to the clipboard, which the copy buttons need. */
const lockSession = (session: Session, isAgent: (url: string) => boolean): void => {
  const allowed = 'clipboard-sanitized-write'
  session.setPermissionRequestHandler((_, permission, answer, details) =>
    answer(permission === allowed && isAgent(details.requestingUrl)),
  )
  session.setPermissionCheckHandler(
    (_, permission, requesting) => permission === allowed && isAgent(requesting),
  )
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event) => event.preventDefault())
  // The page needs no other address, so none can be reached, whatever it was made to ask for.
  session.webRequest.onBeforeRequest((details, answer) => {
    const inside = isAgent(details.url) || /^(?:data|devtools):/.test(details.url)
    answer({ cancel: !inside })
  })
}

const originOf = (url: string): string | undefined => {
  try {
    return new URL(url).origin
  } catch {
    return undefined
  }
}
