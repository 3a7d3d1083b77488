import { keepAgentRunning } from './agent-process.ts'
import type { AgentProcess, AgentState } from './agent-process.ts'
import { chooseFolderChannel } from './bridge.ts'
import type { ElectronModule } from './electron-module.ts'
import { signInUrl } from './find-agent.ts'
import type { ShellPaths } from './paths.ts'
import { createTray } from './tray.ts'
import { createMainWindow } from './window.ts'
import type { MainWindow } from './window.ts'

export interface ShellDeps {
  readonly electron: ElectronModule
  readonly paths: ShellPaths
  /** First wait before the agent is started again; tests give a short one. */
  readonly restartMs?: number
}

/**
 * The desktop shell: one instance, one agent kept running, one window on the agent's page, one tray.
 * It knows nothing of jobs. Resolves when everything is set up, or at once in a second instance, which
 * only brings the first one's window to the front.
 */
export const startShell = async (deps: ShellDeps): Promise<void> => {
  const { electron, paths, restartMs } = deps
  const { app } = electron
  if (!app.requestSingleInstanceLock()) {
    app.quit()
    return
  }
  app.enableSandbox()
  await app.whenReady()

  let quitting = false
  const window = createMainWindow({
    electron,
    preload: paths.preload,
    icon: paths.icon,
    signInUrl: () => signInUrl(paths.home),
    isQuitting: () => quitting,
  })
  const tray = createTray({
    electron,
    icon: paths.trayIcon,
    open: window.show,
    quit: () => app.quit(),
  })
  const agent = keepAgentRunning({
    node: paths.node,
    entry: paths.entry,
    home: paths.home,
    onState: (state) => show(state, { window, follow: tray.follow }),
    ...(restartMs === undefined ? {} : { restartMs }),
  })

  app.on('second-instance', window.show)
  app.on('activate', window.show)
  // The agent goes on in the tray; without a listener Electron would quit with the last window.
  app.on('window-all-closed', () => undefined)
  answerPage(electron, window)
  quitAfter(electron, agent, () => {
    quitting = true
  })
}

const show = (
  state: AgentState,
  parts: { readonly window: MainWindow; readonly follow: (state: AgentState) => void },
): void => {
  parts.follow(state)
  // A page that cannot be loaded means that the agent is gone again, and the next state is on its way.
  parts.window.follow(state).catch((thrown: unknown) => console.error(thrown))
}

/** Questions of the page; only the agent's own page is answered. */
const answerPage = ({ ipcMain, dialog }: ElectronModule, window: MainWindow): void => {
  ipcMain.handle(chooseFolderChannel, async (event) => {
    if (!window.isAgent(event.senderFrame?.url ?? '')) return undefined
    const { canceled, filePaths } = await dialog.showOpenDialog({ properties: ['openDirectory'] })
    return canceled ? undefined : filePaths[0]
  })
}

/** Quitting waits until the agent has stopped cleanly. */
const quitAfter = ({ app }: ElectronModule, agent: AgentProcess, onQuit: () => void): void => {
  let stopped = false
  app.on('before-quit', (event) => {
    onQuit()
    if (stopped) return
    event.preventDefault()
    void agent[Symbol.asyncDispose]().then(() => {
      stopped = true
      app.quit()
    })
  })
}
