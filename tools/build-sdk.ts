// Builds the SDK into dist/sdk: one JavaScript file, its types, and a package.json, ready for `npm pack`.
// Node runs no `.ts` below node_modules, so what is shipped is JavaScript.
import { spawnSync } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
export const sdkFolder = join(root, 'dist/sdk')

export const buildSdk = async (): Promise<void> => {
  await rm(sdkFolder, { recursive: true, force: true })
  await mkdir(sdkFolder, { recursive: true })
  await build({
    input: join(root, 'node-agent/sdk/index.ts'),
    platform: 'node',
    resolve: { alias: { '#protocol': join(root, 'protocol') } },
    external: ['zod'],
    output: { file: join(sdkFolder, 'index.js'), format: 'esm' },
    logLevel: 'warn',
  })
  writeTypes()
  const { version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly version: string
    readonly license: string
  }
  const description = 'Submits batch inference jobs to a Muster cluster and reads their results.'
  await writeFile(
    join(sdkFolder, 'package.json'),
    `${JSON.stringify(
      {
        name: 'muster-sdk',
        version,
        description,
        license,
        type: 'module',
        engines: { node: '>=20.19.0' },
        exports: {
          '.': { types: './types/node-agent/sdk/index.d.ts', default: './index.js' },
          './script': { types: './types/node-agent/sdk/script.d.ts', default: './script.js' },
        },
        imports: { '#protocol/*.ts': './types/protocol/*.d.ts' },
        files: ['index.js', 'script.js', 'types'],
        dependencies: await sdkDependencies(),
      },
      null,
      2,
    )}\n`,
  )
  // Types only: a script that imports them without saying so is bundled all the same.
  await writeFile(join(sdkFolder, 'script.js'), 'export {}\n')
  await cp(join(root, 'LICENSE'), join(sdkFolder, 'LICENSE'))
}

/** The views are zod's schemas, in the code and in the types. */
const sdkDependencies = async (): Promise<Record<string, string>> => {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    readonly dependencies: Record<string, string>
  }
  return { zod: dependencies['zod'] ?? '*' }
}

const writeTypes = (): void => {
  const options = ['--declaration', '--emitDeclarationOnly', '--noEmit', 'false', '--outDir']
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'tools/pinned-node.mjs'),
      'tsc',
      '--project',
      join(root, 'node-agent/sdk/tsconfig.json'),
      ...options,
      join(sdkFolder, 'types'),
    ],
    { cwd: root, stdio: 'inherit' },
  )
  if (status !== 0) process.exit(status ?? 1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildSdk()
  spawnSync('npm', ['pack', '--silent'], {
    cwd: sdkFolder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  console.log(`built and packed in ${sdkFolder}`)
}
