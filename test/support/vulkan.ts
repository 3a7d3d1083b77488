import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findBrowser } from './browser.ts'

/**
 * Environment in which a process finds the software Vulkan driver of the browser for window tests
 * (SwiftShader, Linux x64), and so an adapter for WebGPU without a graphics card. Undefined elsewhere.
 */
export const softwareVulkan = async (): Promise<Readonly<Record<string, string>> | undefined> => {
  const program = await findBrowser()
  if (program?.source !== 'npm') return undefined
  const folder = dirname(program.path)
  const driver = join(folder, 'vk_swiftshader_icd.json')
  if (!existsSync(driver)) return undefined
  // The folder also holds libvulkan.so.1, which finds drivers, and which no system is sure to have.
  return { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: folder }
}

/** Environment in which no driver is found, whatever the machine has. */
export const noVulkan: Readonly<Record<string, string>> = {
  VK_DRIVER_FILES: '/nowhere.json',
  VK_ICD_FILENAMES: '/nowhere.json',
}

export const whyNoVulkan =
  'No software Vulkan driver for the device tests: on Linux x64 `npm ci` brings one.'
