import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import process from 'node:process'

/**
 * Checks who imports whom (docs/architecture.md) and that no file is in a cycle. The table is read from
 * top to bottom: the first room whose prefix fits a file is its room.
 */
interface Room {
  readonly prefix: string
  /** Rooms or files (path prefixes) it may import besides itself. */
  readonly may: readonly string[]
  /** npm packages and `node:` it may import. `node` stands for every `node:` module. */
  readonly npm: readonly string[]
}

const pure = { npm: [] as string[] }
const adapter = ['protocol', 'node-agent/ports', 'node-agent/job/cut']

const rooms: readonly Room[] = [
  { prefix: 'protocol/model', may: ['protocol/model'], npm: [] },
  { prefix: 'protocol/errors.ts', may: ['protocol/model'], npm: [] },
  {
    prefix: 'protocol/limits.ts',
    may: ['protocol/model', 'protocol/limits-control.ts', 'protocol/limits-data.ts'],
    npm: [],
  },
  { prefix: 'protocol/limits-control.ts', may: [], npm: [] },
  { prefix: 'protocol/limits-data.ts', may: [], npm: [] },
  { prefix: 'protocol', may: ['protocol'], npm: ['zod', 'cborg'] },
  { prefix: 'node-agent/ports', may: ['protocol'], npm: [] },
  { prefix: 'node-agent/scheduler', may: ['protocol', 'node-agent/job'], ...pure },
  { prefix: 'node-agent/worker', may: ['protocol', 'node-agent/job'], ...pure },
  { prefix: 'node-agent/membership', may: ['protocol'], ...pure },
  { prefix: 'node-agent/ledger', may: ['protocol'], ...pure },
  { prefix: 'node-agent/job', may: ['protocol'], ...pure },
  { prefix: 'node-agent/policy', may: ['protocol'], ...pure },
  {
    prefix: 'node-agent/effects',
    may: [
      'protocol',
      'node-agent/ports',
      'node-agent/scheduler/event.ts',
      'node-agent/scheduler/effect.ts',
      'node-agent/worker/event.ts',
      'node-agent/worker/effect.ts',
      'node-agent/membership/event.ts',
    ],
    npm: [],
  },
  {
    prefix: 'node-agent/roles',
    may: [
      'protocol',
      'node-agent/ports',
      'node-agent/effects',
      'node-agent/scheduler',
      'node-agent/worker',
      'node-agent/membership',
      'node-agent/ledger',
      'node-agent/job',
    ],
    npm: [],
  },
  {
    prefix: 'node-agent/network',
    may: adapter,
    npm: ['node', 'libp2p', '@libp2p/*', '@chainsafe/libp2p-noise', '@multiformats/multiaddr'],
  },
  { prefix: 'node-agent/store', may: adapter, npm: ['node', 'better-sqlite3'] },
  {
    prefix: 'node-agent/runtime',
    may: [...adapter, 'node-agent/data/readers'],
    npm: [
      'node',
      'onnxruntime-node',
      'onnxruntime-common',
      'sharp',
      'upng-js',
      'onnx-buf',
      '@bufbuild/protobuf',
    ],
  },
  {
    prefix: 'node-agent/data',
    may: adapter,
    npm: ['node', 'yaml', 'zod', 'hyparquet', 'hyparquet-compressors', 'hyparquet-writer'],
  },
  { prefix: 'node-agent/bundle', may: adapter, npm: ['node', 'rolldown'] },
  { prefix: 'node-agent/schedule', may: adapter, npm: ['croner'] },
  { prefix: 'node-agent/host', may: adapter, npm: ['node', 'pino'] },
  {
    prefix: 'node-agent/control',
    may: adapter,
    npm: ['node', 'hono', '@hono/node-server', 'zod'],
  },
  {
    prefix: 'node-agent/cli/commands/agent.ts',
    may: [
      'protocol',
      'node-agent/cli',
      'node-agent/agent.ts',
      'node-agent/version.ts',
      'node-agent/ports/agent-options.ts',
    ],
    npm: ['node', 'commander', 'env-paths'],
  },
  ...['commands/doctor.ts', 'commands/store.ts', 'rows/export-rows.ts'].map((name) => ({
    prefix: `node-agent/cli/${name}`,
    may: ['protocol', 'node-agent/cli', 'node-agent/offline.ts'],
    npm: ['node'],
  })),
  {
    prefix: 'node-agent/cli',
    may: ['protocol', 'node-agent/version.ts', 'node-agent/ports/agent-options.ts'],
    npm: ['node', 'commander', 'env-paths', 'zod'],
  },
  { prefix: 'node-agent/sdk', may: ['protocol'], npm: ['node', 'env-paths', 'zod'] },
  { prefix: 'node-agent', may: ['protocol', 'node-agent', 'package.json'], npm: ['node'] },
  {
    prefix: 'main',
    may: ['protocol/control', 'protocol/model'],
    npm: ['node', 'electron', 'vite'],
  },
  {
    prefix: 'renderer',
    may: [
      'protocol/control',
      'protocol/model',
      'protocol/spec',
      'protocol/errors.ts',
      'protocol/limits.ts',
      'renderer',
    ],
    npm: [
      'react',
      'react-dom',
      '@mantine/*',
      '@tabler/icons-react',
      '@tanstack/*',
      'uplot',
      'qrcode-generator',
      '@fontsource-variable/inter',
      '@fontsource/jetbrains-mono',
      'zod',
    ],
  },
]

/** Build settings are no part of the rooms they stand in. */
const settings = /(^|\/)vite\.config\.ts$/

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/g

const files = globSync('{protocol,node-agent,main,renderer}/**/*.{ts,tsx}').filter(
  (file) => !settings.test(file) && !file.endsWith('.d.ts'),
)
const problems: string[] = []
const graph = new Map<string, string[]>()

const resolveFile = (file: string, specifier: string): string | undefined => {
  if (specifier.startsWith('#protocol/')) return `protocol/${specifier.slice(10)}`
  if (specifier.startsWith('#agent/')) return `node-agent/${specifier.slice(7)}`
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier))
  return undefined
}

const isBelow = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(`${prefix}/`)

const isAllowedPackage = (specifier: string, allowed: readonly string[]): boolean => {
  if (specifier.startsWith('node:')) return allowed.includes('node')
  return allowed.some((name) =>
    name.endsWith('/*')
      ? specifier.startsWith(name.slice(0, -1))
      : specifier === name || specifier.startsWith(`${name}/`),
  )
}

for (const file of files) {
  const room = rooms.find(({ prefix }) => isBelow(file, prefix))
  if (room === undefined) {
    problems.push(`${file} stands in no room`)
    continue
  }
  const edges: string[] = []
  for (const match of readFileSync(file, 'utf8').matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? ''
    const target = resolveFile(file, specifier)
    if (target === undefined) {
      if (!isAllowedPackage(specifier, room.npm))
        problems.push(`${file} imports ${specifier}; ${room.prefix} may not`)
      continue
    }
    if (/\.tsx?$/.test(target)) edges.push(target)
    if (!isBelow(target, room.prefix) && !room.may.some((prefix) => isBelow(target, prefix)))
      problems.push(`${file} imports ${target}; ${room.prefix} may import ${room.may.join(', ')}`)
  }
  graph.set(file, edges)
}

/** Depth-first search; a file met again on the way down closes a cycle. */
const findCycles = (): void => {
  const state = new Map<string, 'open' | 'done'>()
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      problems.push(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`)
      return
    }
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file])
    state.set(file, 'done')
  }
  for (const file of graph.keys()) visit(file, [])
}
findCycles()

/** Clocks and chance come into pure rooms inside events, never by a call. */
const impure = /\bDate\b|Math\.random|\bsetTimeout\b|\bsetInterval\b|\bqueueMicrotask\b/
for (const file of files.filter((one) =>
  /^node-agent\/(scheduler|worker|membership|ledger|job|policy)\//.test(one),
)) {
  const code = readFileSync(file, 'utf8').replaceAll(
    /\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g,
    '',
  )
  const found = impure.exec(code)
  if (found !== null) problems.push(`${file} is pure but names ${found[0]}`)
}

if (problems.length > 0) {
  for (const problem of problems) console.error(problem)
  console.error(`${problems.length} walls are broken`)
  process.exit(1)
}
console.log(`${files.length} files keep their walls`)
