import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { cliDocsPath, freshCliDocs } from '../../../tools/cli-docs.ts'

test('docs/cli.md is what the program and the schemas say', async () => {
  const text = await readFile(cliDocsPath, 'utf8')
  expect(freshCliDocs(text)).toBe(text)
})

test('every schema that docs/cli.md points at is there', async () => {
  const text = await readFile(cliDocsPath, 'utf8')
  const headings = new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll('`', '').replaceAll(' ', '-'),
    ),
  )
  const links = [...text.matchAll(/\]\(#([\w-]+)\)|"\$ref": "#([\w-]+)"/g)]
  expect(links.length).toBeGreaterThan(20)
  for (const [, link, ref] of links) expect(headings).toContain(link ?? ref)
})
