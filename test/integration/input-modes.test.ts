import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

let office: Office
let team: Team
let folder = ''

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada', 'ben'])
  folder = join(office.folder, 'work')
  await mkdir(join(folder, 'texts/deep'), { recursive: true })
  for (const [name, text] of texts) await writeFile(join(folder, 'texts', name), text)
  const lines = Array.from({ length: 300 }, (_, i) => `${i},${i * i}`)
  await writeFile(join(folder, 'squares.csv'), `id,square\n${lines.join('\n')}\n`)
  await writeFile(join(folder, 'texts.ts'), textsScript)
  await writeFile(join(folder, 'rows.ts'), rowsScript)
})
afterAll(() => office[Symbol.asyncDispose]())

const texts = Array.from({ length: 24 }, (_, i): [string, string] => [
  `${i % 3 === 0 ? 'deep/' : ''}${String(i).padStart(2, '0')}.txt`,
  `text ${i}`,
])

const textsScript = `
export async function run(miniBatch: any) {
  const rows = []
  await new Promise((resolve) => setTimeout(resolve, 150))
  for (const item of miniBatch) rows.push({ key: item.name, text: new TextDecoder().decode(await item.bytes()) })
  return rows
}
`
const rowsScript = `
export async function run(miniBatch: any) {
  return (await miniBatch.rows()).map((row: any) => Number(row.square))
}
`

const submit = async (text: string): Promise<string> => {
  const body = { text, file: join(folder, 'job.yaml') }
  return (await team.keeper.client.call('submitJob', { body })).id
}

const textsJob = (name: string, more = ''): string => `name: ${name}
entry_script: texts.ts
inputs:
  texts: { path: ./texts, mode: download }
mini_batch_size: 2
allow_reuse: false
append_row_file_name: out.jsonl
${more}`

const copiesOf = async (agent: AgentProcess, job: string): Promise<readonly string[]> => {
  const folder = join(agent.home, 'cache/downloads', job, '0')
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return found.flatMap((one) => (one.isFile() ? [one.name] : [])).toSorted()
}

/** What the head says of a job; nothing before it heard of it. */
const explained = async (id: string): Promise<string> => {
  const asked = team.head.client.call('explain', { query: { job: id } })
  return (await asked.catch(() => ({ lines: [] }))).lines.join('\n')
}

const isDone = async (id: string): Promise<void> => {
  const job = await untilFinal(() => team.keeper.client, id)
  expect(job).toMatchObject({ state: 'Completed', headline: '', itemsFailed: 0 })
}

test.each([true, false])(
  'download: all of a folder is on a machine before it runs anything, and goes with the job (in place: %s)',
  async (inPlace) => {
    const id = await submit(textsJob('copied', `in_place: ${inPlace}\n`))
    const { client } = team.keeper
    const names = texts.map(([name]) => name.replace('deep/', '')).toSorted()
    await until('a mini-batch was committed', async () => {
      const { committed } = await client.call('job', { query: { job: id } })
      return committed > 0
    })
    await client.call('pauseJob', { query: { job: id } }).catch(() => undefined)
    const job = await client.call('job', { query: { job: id } })
    if (job.endedAt === null) {
      // Whoever committed has it all, by name and by bytes.
      const { peers } = job
      for (const agent of team.workers) {
        const has = peers.some(({ name, miniBatches }) => name === agent.name && miniBatches > 0)
        if (has) expect(await copiesOf(agent, id)).toEqual(names)
      }
    }
    await client.call('resumeJob', { query: { job: id } }).catch(() => undefined)
    await isDone(id)
    const rows = await allRows(client, id)
    const byName = new Map(texts)
    expect(rows.length).toBe(texts.length)
    for (const { value } of rows) {
      const { key, text } = value as { key: string; text: string }
      expect(text).toBe(byName.get(key))
    }
    for (const agent of team.workers)
      await until('its copies are gone', async () => (await copiesOf(agent, id)).length === 0)
  },
)

test('download: a table is copied as a whole, and cut like any other', async () => {
  const id = await submit(`name: squares
entry_script: rows.ts
inputs:
  squares: { path: squares.csv, type: table, mode: download }
mini_batch_size: 300
in_place: false
append_row_file_name: out.txt
`)
  await isDone(id)
  const values = (await allRows(team.keeper.client, id)).map(({ value }) => value)
  expect(values).toEqual(Array.from({ length: 300 }, (_, i) => i * i))
})

test('download: a machine without room for it takes no part, and explain says why', async () => {
  const setQuota = (agent: AgentProcess | undefined, value: string | null) =>
    agent?.client.call('changeSetting', { body: { key: 'downloads-quota', value } })
  for (const agent of team.workers) await setQuota(agent, '10')
  const id = await submit(textsJob('no-room'))
  await until('both say why', async () => {
    const lines = await explained(id)
    return ['ada', 'ben'].every((name) =>
      lines.includes(`${name} cannot have the inputs as the job asks: The job's inputs have`),
    )
  })
  expect(await explained(id)).toContain('more than the 10 bytes that its owner gives to downloads')
  await until('the job says it too', async () => {
    const { reason } = await team.head.client.call('job', { query: { job: id } })
    return reason.startsWith('No machine can have the inputs as the job asks')
  })
  await setQuota(team.workers[1], null)
  await isDone(id)
  await setQuota(team.workers[0], null)
})

const directScript = `
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
const tryRead = (path: string) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error: any) {
    return error.code
  }
}
export async function run(miniBatch: any, context: any) {
  const rows = []
  for (const item of miniBatch) {
    const { place, path, size, modifiedMs } = item.reference
    rows.push({
      key: item.name, place, size, isOld: modifiedMs < Date.now(),
      text: readFileSync(path, 'utf8'),
      same: path === (await item.path()) && path === join(context.inputFolder(), item.name),
      bytes: (await item.bytes()).length,
      sibling: tryRead(join(context.inputFolder('texts'), 'notes.md')),
      outside: tryRead(join(context.inputFolder('texts'), '../squares.csv')),
    })
  }
  return rows
}
`

const directJob = (name: string, input: string): string => `name: ${name}
entry_script: direct.ts
inputs:
  texts: { ${input}, pattern: '**/*.txt', mode: direct }
mini_batch_size: 4
allow_reuse: false
append_row_file_name: out.jsonl
`

const directRow = (place: string) =>
  texts.map(([key, text]) => ({
    key,
    place: `${place}/${key}`,
    size: text.length,
    isOld: true,
    text,
    same: true,
    bytes: text.length,
    sibling: 'beside the items',
    outside: expect.stringMatching(/^(ERR_ACCESS_DENIED|ENOENT)$/),
  }))

const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1)

const directRowsOf = async (id: string) =>
  (await allRows(team.keeper.client, id))
    .map(({ value }) => value as { key: string })
    .toSorted(byKey)

test('direct: the script opens the files where they lie, all of their folder and nothing else', async () => {
  await writeFile(join(folder, 'direct.ts'), directScript)
  await writeFile(join(folder, 'texts/notes.md'), 'beside the items')
  const text = directJob('by-itself', 'path: ./texts')
  const file = join(folder, 'job.yaml')
  const tried = await team.keeper.client.call('tryJob', { body: { text, file, count: 2 } })
  expect(tried.problem).toBe('')
  expect(tried.rows[0]?.value).toMatchObject({ same: true, sibling: 'beside the items' })

  const id = await submit(text)
  await isDone(id)
  expect(await directRowsOf(id)).toEqual(directRow(join(folder, 'texts')).toSorted(byKey))
})

test('direct: where a share is mapped its files have its name, and a machine that forbids it takes no part', async () => {
  const set = (agent: AgentProcess | undefined, key: string, value: string | null) =>
    agent?.client.call('changeSetting', { body: { key, value } })
  const [ada, ben] = team.workers
  await set(team.keeper, 'share.work', folder)
  await set(ben, 'share.work', folder)
  await set(ada, 'in-place', 'off')
  // Nothing can run yet: ben takes no part either before its owner lets it.
  await set(ben, 'in-place', 'off')
  const id = await submit(directJob('shared', 'path: texts, share: work'))
  await until('both say why', async () => {
    const lines = await explained(id)
    return ['ada', 'ben'].every((name) =>
      lines.includes(
        `${name} cannot have the inputs as the job asks: Its script opens the files of input "texts" by itself, but the owner of this machine lets no files be opened where they lie`,
      ),
    )
  })
  await set(ben, 'in-place', null)
  await isDone(id)
  expect(await directRowsOf(id)).toEqual(directRow('share:work/texts').toSorted(byKey))
  const { peers } = await team.keeper.client.call('job', { query: { job: id } })
  expect(peers.map(({ name }) => name)).toEqual(['ben'])
  await set(ada, 'in-place', null)
})
