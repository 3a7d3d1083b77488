import type { app, BrowserWindow, dialog, ipcMain, Menu, nativeImage, Tray } from 'electron'

/**
 * The parts of Electron that the shell uses. They are handed in by `main.ts`, the only file that loads
 * Electron itself, so that the rest can run on plain Node in tests.
 */
export interface ElectronModule {
  readonly app: typeof app
  readonly BrowserWindow: typeof BrowserWindow
  readonly Tray: typeof Tray
  readonly Menu: typeof Menu
  readonly dialog: typeof dialog
  readonly ipcMain: typeof ipcMain
  readonly nativeImage: typeof nativeImage
}
