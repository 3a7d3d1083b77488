/** What the page may ask of the shell: `globalThis.musterShell`, absent in a browser. */
export interface ShellBridge {
  readonly versions: { readonly electron: string; readonly chrome: string }
  /** Asks the person for a folder; undefined if they chose none. */
  readonly chooseFolder: () => Promise<string | undefined>
}

export const bridgeName = 'musterShell'
/** The one channel between page and shell. */
export const chooseFolderChannel = 'muster:choose-folder'
