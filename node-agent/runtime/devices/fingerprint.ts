import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, cpus, platform, release } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { limits } from '#protocol/limits.ts'

const run = promisify(execFile)
const require = createRequire(import.meta.url)

/**
 * One text for what decides which providers work: ONNX Runtime and its libraries, the system, graphics
 * cards and their drivers. Nothing is loaded for it. When it changes, everything is probed again.
 */
export const deviceFingerprint = async (): Promise<string> => {
  const parts = [
    `${platform()} ${arch()} ${release()}`,
    ...(await libraries()),
    ...['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES'].map(
      (name) => `${name}=${process.env[name] ?? ''}`,
    ),
    ...(await cards()),
  ]
  return createHash('sha256').update(parts.join('\n')).digest('hex')
}

/** ONNX Runtime's version, and its libraries with their sizes: CUDA's may be added by hand. */
const libraries = async (): Promise<readonly string[]> => {
  const entry = require.resolve('onnxruntime-node')
  const folder = join(dirname(dirname(entry)), 'bin', 'napi-v6', platform(), arch())
  const about = await textOf(join(dirname(dirname(entry)), 'package.json'))
  const version = /"version":\s*"([^"]*)"/.exec(about)?.[1] ?? ''
  return [version, ...(await filesOf(folder))]
}

const cards = async (): Promise<readonly string[]> => {
  if (platform() === 'linux') return linuxCards()
  if (platform() === 'win32') return windowsCards()
  // On a Mac the driver comes with the system, whose release is told already.
  return [cpus()[0]?.model ?? '']
}

const linuxCards = async (): Promise<readonly string[]> => {
  const pci = (await namesIn('/sys/class/drm')).filter((name) => /^card\d+$/.test(name))
  const told = pci.map(async (name) => {
    const facts = ['vendor', 'device'].map((file) =>
      textOf(`/sys/class/drm/${name}/device/${file}`),
    )
    return `${name} ${(await Promise.all(facts)).join(' ')}`
  })
  return [
    ...(await Promise.all(told)),
    await textOf('/proc/driver/nvidia/version'),
    ...(await filesOf('/usr/share/vulkan/icd.d')),
    ...(await filesOf('/etc/vulkan/icd.d')),
  ]
}

/** Display adapters and their drivers, from the registry. */
const windowsCards = async (): Promise<readonly string[]> => {
  const key =
    'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}'
  try {
    const options = { timeout: limits.deviceFingerprintMs, windowsHide: true }
    const { stdout } = await run('reg.exe', ['query', key, '/s'], options)
    return stdout.split('\n').filter((line) => /DriverDesc|DriverVersion/.test(line))
  } catch {
    return ['unknown']
  }
}

const textOf = async (path: string): Promise<string> => {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    return ''
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).toSorted()
  } catch {
    return []
  }
}

const filesOf = async (folder: string): Promise<readonly string[]> =>
  Promise.all(
    (await namesIn(folder)).map(async (name) => {
      const facts = await stat(join(folder, name)).catch(() => undefined)
      return `${name} ${facts?.size ?? ''} ${facts?.mtimeMs ?? ''}`
    }),
  )
