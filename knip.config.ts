import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'bin/muster',
    'node-agent/cli/main.ts',
    'node-agent/cli/commands/*.ts',
    'node-agent/runtime/runtime-process.ts',
    'node-agent/runtime/script-process.ts',
    'node-agent/store/*-thread.ts',
    'main/main.ts',
    'main/preload.ts',
    'renderer/main.tsx',
    'tools/*.{ts,mjs}',
    'bench/run.ts',
    'examples/*/*.ts',
    'test/**/*.test.ts',
    'test/**/*-child.ts',
  ],
  project: ['{protocol,node-agent,main,renderer,test,bench,tools,examples}/**/*.{ts,tsx}'],
  // Native packages of other platforms, the pinned Node, and what build settings name by text.
  ignoreDependencies: ['node-.*', 'postcss', 'postcss-preset-mantine', 'electron', 'electron-builder'],
  ignoreExportsUsedInFile: true,
}

export default config
