import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { apiDocsPath } from '../../../tools/api-docs.ts'
import { cliDocsPath, freshCliDocs, withAnswers } from '../../../tools/cli-docs.ts'

test('docs/cli.md is what the program and the schemas say', async () => {
  const text = await readFile(cliDocsPath, 'utf8')
  expect(freshCliDocs(text)).toBe(text)
})

test('docs/api.md lists the calls of the control API, with links that lead somewhere', async () => {
  const text = await readFile(apiDocsPath, 'utf8')
  expect(withAnswers(text)).toBe(text)
  const schemas = await readFile(cliDocsPath, 'utf8')
  const links = [...text.matchAll(/\]\(cli\.md#(\w+)\)/g)].map(([, link = '']) => link)
  expect(links.length).toBeGreaterThan(30)
  for (const link of links) expect(schemas.toLowerCase()).toMatch(new RegExp(`^##+ ${link}$`, 'm'))
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
