import process from 'node:process'
import * as electron from 'electron'
import { findPaths } from './paths.ts'
import { startShell } from './shell.ts'

// The root of the desktop app: the only file that loads Electron itself.
const paths = findPaths({
  packaged: electron.app.isPackaged,
  resources: process.resourcesPath,
  built: import.meta.dirname,
  platform: process.platform,
  arch: process.arch,
  env: process.env,
})

startShell({ electron, paths }).catch((thrown: unknown) => {
  console.error(thrown)
  electron.app.exit(1)
})
