/** What the desktop app offers to the page; a browser has nothing of it. */
interface Shell {
  readonly chooseFolder: () => Promise<string | undefined>
}

/** The desktop app around the page; undefined in a browser. */
export const shellOf = (): Shell | undefined => {
  const { musterShell } = globalThis as { musterShell?: Partial<Shell> }
  const choose = musterShell?.chooseFolder
  return choose === undefined ? undefined : { chooseFolder: choose }
}
