// Writes the tables of docs/azure.md from the tables that translate the files:
//
//   node tools/pinned-node.mjs tools/azure-docs.ts
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { azureFields, azureFlags } from '#protocol/spec/azure/fields.ts'
import type { AzureFate, AzureField } from '#protocol/spec/azure/fields.ts'
import { deploymentFields, runConfigFields } from '#protocol/spec/azure/flat-fields.ts'
import { withParts } from './doc-parts.ts'

export const azureDocsPath = fileURLToPath(new URL('../docs/azure.md', import.meta.url))

/** The file's text with its tables made anew. */
export const freshAzureDocs = (text: string): string =>
  withParts('docs/azure.md', text, {
    fields: fieldRows(azureFields).join('\n'),
    flags: flagRows().join('\n'),
    deployment: fieldRows(deploymentFields).join('\n'),
    'run-config': fieldRows(runConfigFields).join('\n'),
  })

const head = (what: string): readonly string[] => [
  `| ${what} | | what becomes of it |`,
  '| --- | --- | --- |',
]

const fieldRows = (fields: readonly AzureField[]): readonly string[] => [
  ...head('field'),
  ...fields.map(({ path, fate }) => row(path, fate)),
]

const flagRows = (): readonly string[] => [
  ...head('flag'),
  ...Object.entries(azureFlags).map(([name, fate]) => row(`--${name}`, fate)),
]

const row = (name: string, fate: AzureFate): string =>
  `| \`${name}\` | ${fate.kind} | ${wordsOf(fate)} |`

const wordsOf = (fate: AzureFate): string => {
  switch (fate.kind) {
    case 'mapped':
      return fate.to
    case 'met':
    case 'warned':
      return fate.why
    case 'refused':
      return fate.instead
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(azureDocsPath, freshAzureDocs(await readFile(azureDocsPath, 'utf8')))
  console.log(`wrote ${azureDocsPath}`)
}
