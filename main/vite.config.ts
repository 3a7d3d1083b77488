import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const outside = ['electron', ...builtinModules, ...builtinModules.map((name) => `node:${name}`)]

/**
 * Bundles the desktop shell to dist/main. `vite build` makes main.js and then, through the plugin, the
 * preload file: a sandboxed preload must be one CommonJS file without imports of its own.
 */
export default defineConfig(({ mode }) => {
  const preload = mode === 'preload'
  return {
    root: file('.'),
    publicDir: preload ? false : file('icons'),
    plugins: preload
      ? []
      : [
          {
            name: 'preload',
            async closeBundle() {
              const { build } = await import('vite')
              await build({ configFile: file('vite.config.ts'), mode: 'preload', logLevel: 'warn' })
            },
          },
        ],
    build: {
      outDir: process.env['MUSTER_MAIN_OUT'] ?? file('../dist/main'),
      emptyOutDir: !preload,
      target: 'node24',
      minify: false,
      sourcemap: false,
      lib: {
        entry: file(preload ? 'preload.ts' : 'main.ts'),
        formats: [preload ? 'cjs' : 'es'],
        fileName: () => (preload ? 'preload.cjs' : 'main.js'),
      },
      rolldownOptions: { external: outside },
    },
    ssr: { noExternal: true },
  }
})
