import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'

it('the types of scripts are the same to be imported and to be copied', async () => {
  const [imported, copied] = await Promise.all(
    ['node-agent/sdk/script.ts', 'examples/custom-script/muster.ts'].map((path) =>
      readFile(new URL(`../../../${path}`, import.meta.url), 'utf8'),
    ),
  )
  expect(imported?.slice(imported.indexOf('\n'))).toBe(copied?.slice(copied.indexOf('\n')))
})
