import { contextBridge, ipcRenderer } from 'electron'
import { bridgeName, chooseFolderChannel } from './bridge.ts'
import type { ShellBridge } from './bridge.ts'

// Runs sandboxed beside the page: only these two things cross the wall.
const bridge: ShellBridge = {
  versions: {
    electron: process.versions.electron,
    chrome: process.versions.chrome,
  },
  chooseFolder: async () => {
    const answer: unknown = await ipcRenderer.invoke(chooseFolderChannel)
    return typeof answer === 'string' ? answer : undefined
  },
}

contextBridge.exposeInMainWorld(bridgeName, bridge)
