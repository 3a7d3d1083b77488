import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, pairAll, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice } from '../support/office.ts'
import type { Office } from '../support/office.ts'

let office: Office
let boss: AgentProcess
let ada: AgentProcess

beforeAll(async () => {
  office = await createOffice()
  ;[boss, ada] = await Promise.all([office.start('boss', 0), office.start('ada', 2)])
  await pairAll(boss, [{ agent: ada, roles: ['work'] }])
  await writeFile(
    join(office.folder, 'eat.ts'),
    `
export async function run(miniBatch: any, context: any) {
  const rows = []
  for (const item of miniBatch) {
    const text = new TextDecoder().decode(await item.bytes())
    const all = []
    while (text === 'much') all.push({ a: [1, 2, 3], b: String(all.length) })
    await new Promise((resolve) => setTimeout(resolve, 300))
    rows.push({ key: item.name, process: context.workerIndex })
  }
  return rows
}
`,
  )
})
afterAll(() => office[Symbol.asyncDispose]())

const run = async (name: string, texts: readonly string[]) => {
  const folder = office.place(name)
  await mkdir(folder)
  for (const [at, text] of texts.entries()) await writeFile(join(folder, `${at}.txt`), text)
  const text = `
name: ${name}
entry_script: ./eat.ts
inputs: { texts: ${folder} }
mini_batch_size: 1
run_max_try: 1
allow_reuse: false
`
  const client = () => boss.client
  const { id } = await boss.client.call('submitJob', {
    body: { text, file: join(office.folder, `${name}.yaml`) },
  })
  const job = await untilFinal(client, id, { limitMs: 120_000 })
  const rows = await allRows(boss.client, id)
  return {
    job,
    processes: rows.flatMap(({ value }) => (value as { process?: number })?.process ?? []),
  }
}

const small = Array.from({ length: 10 }, () => 'little')

test('what ran out of memory is remembered for the next job of its kind, also after a restart', async () => {
  const eats = await run('eats', ['little', 'much', ...small])
  expect(eats.job.headline).toContain('ran out of memory')
  expect(eats.job.itemsFailed).toBe(1)
  await ada.stop()
  ada = await office.start('ada', 2)
  const { checks } = await ada.client.call('doctor')
  const [memory] = checks.filter(({ id }) => id === 'memory')
  expect(memory?.message).toMatch(
    /^A process of eats ran out of memory on this machine on .*, with 1 item and 2 processes at once: jobs of its kind run 1 at once here until /,
  )

  const after = await run('after', small)
  expect(after.job).toMatchObject({ state: 'Completed', itemsSucceeded: small.length })
  expect(new Set(after.processes)).toEqual(new Set([0]))
})
