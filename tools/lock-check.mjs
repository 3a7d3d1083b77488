// Fails when package-lock.json lacks a platform package that some package names as optional:
// `npm ci` of npm 11 and newer refuses such a lock on that platform, older ones do not notice.
import { readFileSync } from 'node:fs'
import process from 'node:process'

const { packages } = JSON.parse(readFileSync(process.argv[2] ?? 'package-lock.json', 'utf8'))

/** npm's resolution: look beside the package, then in each folder above it. */
const isLocked = (from, name) => {
  for (let folder = from; ;) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true
    if (folder === '') return false
    const up = folder.lastIndexOf('node_modules/')
    folder = up <= 0 ? '' : folder.slice(0, up - 1)
  }
}

let missing = 0
for (const [path, entry] of Object.entries(packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name)) continue
    missing += 1
    console.log(`missing: ${name}, wanted by ${path} ${entry.version}`)
  }
}
console.log(missing === 0 ? 'lock complete' : `${missing} missing from the lock`)
process.exit(missing === 0 ? 0 : 1)
