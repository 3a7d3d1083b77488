import { EventEmitter } from 'node:events'
import type { ElectronModule } from '../../../main/electron-module.ts'

/**
 * Stands for Electron, whose binary is not installed where tests run: it records what the shell does and
 * lets tests send the events that a person or the page would cause.
 */
export interface StandIn {
  readonly electron: ElectronModule
  readonly app: EventEmitter
  readonly windows: StandInWindow[]
  readonly trays: StandInTray[]
  /** Handlers of `ipcMain.handle`, by channel. */
  readonly handlers: Map<string, (event: unknown) => Promise<unknown>>
  readonly calls: string[]
}

export interface StandInTray {
  tooltip: string
  menu: { readonly label?: string; readonly click?: () => void }[]
}

type Any = (...parameters: readonly unknown[]) => unknown

export class StandInSession extends EventEmitter {
  request: Any = () => undefined
  check: Any = () => undefined
  device: Any = () => undefined
  before: Any = () => undefined
  setPermissionRequestHandler(handler: Any): void {
    this.request = handler
  }
  setPermissionCheckHandler(handler: Any): void {
    this.check = handler
  }
  setDevicePermissionHandler(handler: Any): void {
    this.device = handler
  }
  readonly webRequest = {
    onBeforeRequest: (handler: Any): void => {
      this.before = handler
    },
  }
}

export class StandInWindow extends EventEmitter {
  readonly loaded: string[] = []
  readonly calls: string[] = []
  readonly options: { readonly webPreferences: Readonly<Record<string, unknown>> }
  openHandler: Any = () => undefined
  url = ''
  readonly webContents = Object.assign(new EventEmitter(), {
    session: new StandInSession(),
    getURL: () => this.url,
    setWindowOpenHandler: (handler: Any): void => {
      this.openHandler = handler
    },
  })
  constructor(options: StandInWindow['options']) {
    super()
    this.options = options
  }
  loadURL = async (url: string): Promise<void> => {
    this.loaded.push(url)
    this.url = url
    this.emit('loaded', url)
  }
  isDestroyed = (): boolean => false
  isMinimized = (): boolean => true
  restore = (): void => void this.calls.push('restore')
  show = (): void => void this.calls.push('show')
  focus = (): void => void this.calls.push('focus')
  hide = (): void => void this.calls.push('hide')
}

export const createStandIn = (options: { readonly isFirst?: boolean } = {}): StandIn => {
  const calls: string[] = []
  const windows: StandInWindow[] = []
  const trays: StandInTray[] = []
  const handlers: StandIn['handlers'] = new Map()
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => options.isFirst ?? true,
    enableSandbox: () => void calls.push('enableSandbox'),
    whenReady: async () => undefined,
    quit: () => {
      calls.push('quit')
      app.emit('before-quit', { preventDefault: () => void calls.push('quit prevented') })
    },
  })
  class Window extends StandInWindow {
    constructor(windowOptions: StandInWindow['options']) {
      super(windowOptions)
      windows.push(this)
    }
  }
  class Tray extends EventEmitter implements StandInTray {
    tooltip = ''
    menu: StandInTray['menu'] = []
    constructor() {
      super()
      trays.push(this)
    }
    setToolTip(text: string): void {
      this.tooltip = text
    }
    setContextMenu(menu: StandInTray['menu']): void {
      this.menu = menu
    }
  }
  const electron = {
    app,
    BrowserWindow: Window,
    Tray,
    Menu: { buildFromTemplate: (template: StandInTray['menu']) => template },
    nativeImage: { createFromPath: (path: string) => path },
    dialog: { showOpenDialog: async () => ({ canceled: false, filePaths: ['/data/scans'] }) },
    ipcMain: {
      handle: (channel: string, handler: (event: unknown) => Promise<unknown>) =>
        void handlers.set(channel, handler),
    },
  } as unknown as ElectronModule
  return { electron, app, windows, trays, handlers, calls }
}
