import type { AgentState } from './agent-process.ts'
import type { ElectronModule } from './electron-module.ts'
import { stateSentence } from './waiting-page.ts'

/** The mark in the system's tray: state, open, quit. */
export interface ShellTray {
  readonly follow: (state: AgentState) => void
}

export interface ShellTrayDeps {
  readonly electron: Pick<ElectronModule, 'Tray' | 'Menu' | 'nativeImage'>
  readonly icon: string
  readonly open: () => void
  readonly quit: () => void
}

export const createTray = ({ electron, icon, open, quit }: ShellTrayDeps): ShellTray => {
  const tray = new electron.Tray(electron.nativeImage.createFromPath(icon))
  tray.on('click', open)
  const follow = (state: AgentState): void => {
    const sentence = stateSentence(state)
    tray.setToolTip(`Muster: ${sentence}`)
    tray.setContextMenu(
      electron.Menu.buildFromTemplate([
        { label: sentence, enabled: false },
        { type: 'separator' },
        { label: 'Open Muster', click: open },
        { label: 'Quit', click: quit },
      ]),
    )
  }
  follow({ kind: 'starting' })
  return { follow }
}
