import { execFile } from 'node:child_process'
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { parse } from 'csv-parse/sync'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobView } from '#protocol/control/job-views.ts'
import { isPackHead, packHeadBytes } from '#protocol/wire/pack/pack.ts'
import { allRows, repository, until, untilFinal } from '../../tools/agents.ts'
import { createOffice, errorOf, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

const count = 400
const batch = 5
const texts = Array.from({ length: count }, (_, i) => `text ${i}, "${'x'.repeat(i % 7)}"`)
const nameOf = (i: number): string => `${String(i).padStart(4, '0')}.txt`

let office: Office
let team: Team
let input: string
let scripts = 0

beforeAll(async () => {
  office = await createOffice()
  input = join(office.folder, 'input')
  await mkdir(input)
  await Promise.all(texts.map((text, i) => writeFile(join(input, nameOf(i)), text)))
  team = await startTeam(office, ['ada', 'ben'])
})
afterAll(() => office[Symbol.asyncDispose]())

/** Submits a job of a script; `run` has `texts` and `out`, and what it leaves in `rows` is returned. */
const submit = async (run: string, fields: string): Promise<string> => {
  scripts += 1
  const folder = join(office.folder, `job-${scripts}`)
  await mkdir(folder)
  await writeFile(
    join(folder, 'score.ts'),
    `import { mkdirSync, writeFileSync } from 'node:fs'
     import { join } from 'node:path'
     export const run = async (miniBatch: any, { outputDirectory: out }: { outputDirectory: string }) => {
       const texts = await Promise.all(miniBatch.items.map(async (item: any) => Buffer.from(await item.bytes()).toString()))
       const rows: unknown[] = miniBatch.items.map((item: any, i: number) => ({ name: item.name, length: texts[i]?.length, text: texts[i] }))
       ${run}
       return rows
     }`,
  )
  const text = `name: written\nentry_script: score.ts\ninputs: { texts: ${JSON.stringify(input)} }\nmini_batch_size: ${batch}\n${fields}`
  const { id } = await team.keeper.client.call('submitJob', {
    body: { text, file: join(folder, 'job.yaml') },
  })
  return id
}

const ended = (id: string, seen?: (job: JobView) => Promise<void>): Promise<JobView> =>
  untilFinal(() => team.keeper.client, id, seen === undefined ? {} : { seen })

/** The rows that a plain loop over the input gives. */
const plainRows = texts.map((text, i) => ({ name: nameOf(i), length: text.length, text }))

/** Files of a folder by path. */
const filesIn = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) found.set(path.slice(folder.length + 1), await readFile(path, 'utf8'))
  }
  return found
}

/** Packs that are still among an agent's blobs, and notes of packs. */
const packsAt = async (home: string): Promise<readonly string[]> => {
  const packs: string[] = []
  for (const path of await readdir(join(home, 'blobs'), { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue
    const handle = await open(join(path.parentPath, path.name), 'r').catch(() => undefined)
    // Deleted meanwhile.
    if (handle === undefined) continue
    await using file = handle
    const { buffer, bytesRead } = await file.read(Buffer.alloc(packHeadBytes), 0, packHeadBytes, 0)
    if (isPackHead(buffer.toString('latin1', 0, bytesRead)))
      packs.push(join(path.parentPath, path.name))
  }
  const notes = await readdir(join(home, 'packs'), { recursive: true }).catch(() => [])
  return [...packs, ...notes.map((name) => join(home, 'packs', name))]
}

/** What failed a test before: it must not fail those behind it too. */
const told = new Set<string>()

const allSwept = async (): Promise<void> => {
  for (const { home } of [team.keeper, ...team.workers]) {
    let left: readonly string[] = []
    const isSwept = async (): Promise<boolean> => {
      left = (await packsAt(home)).filter((path) => !told.has(path))
      return left.length === 0
    }
    await until(
      () => `no packs are left in ${home}, but there are ${left.join(', ')}`,
      isSwept,
    ).finally(() => left.forEach((path) => told.add(path)))
  }
}

describe('files that scripts write', () => {
  test('come exactly once for each mini-batch, whoever fails or is killed', async () => {
    const id = await submit(
      `await new Promise((resolve) => setTimeout(resolve, 25))
       mkdirSync(join(out, 'by-batch'), { recursive: true })
       writeFileSync(join(out, 'by-batch', miniBatch.index + '.txt'), texts.join('\\n'))
       if (Math.random() < 0.2) throw new Error('by chance')
       if (Math.random() < 0.02) process.exit(1)`,
      'output_action: summary_only\nrun_max_try: 100\n',
    )
    let struck = false
    const job = await ended(id, async (seen) => {
      if (struck || seen.committed < seen.miniBatches / 5 || !seen.planComplete) return
      struck = true
      await team.workers[0]?.killHard()
      team.workers[0] = await office.start('ada', 1)
    })
    expect(struck).toBe(true)
    expect(job).toMatchObject({
      state: 'Completed',
      output: '',
      itemsSucceeded: count,
    })
    const { folder = '', count: files = 0, bytes = 0 } = job.outputFiles ?? {}
    expect(folder).toBe(join(office.folder, 'keeper', 'outputs', id, 'files'))
    const found = await filesIn(folder)
    const expected = Array.from({ length: count / batch }, (_, i) => [
      join('by-batch', `${i}.txt`),
      texts.slice(i * batch, (i + 1) * batch).join('\n'),
    ])
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
    expect(files).toBe(count / batch)
    expect(bytes).toBe([...found.values()].join('').length)
    const beside = await readdir(join(folder, '..'))
    expect(beside.filter((name) => name !== 'logs')).toEqual(['files'])
    const rows = await allRows(team.keeper.client, id)
    expect(rows.map((row) => row.value)).toEqual(plainRows)
    await allSwept()
    for (const { home } of team.workers)
      expect(await readdir(join(home, 'cache', 'script-packs')).catch(() => [])).toEqual([])
  })

  test('of the same name are all kept, and the job says whose they are', async () => {
    const id = await submit(
      `writeFileSync(join(out, 'summary.txt'), String(miniBatch.index))`,
      'append_row_file_name: rows.jsonl\n',
    )
    const job = await ended(id)
    expect(job.state).toBe('Completed')
    expect(job.headline).toMatch(
      /^Mini-batches 0 and 1 both wrote summary\.txt, and 78 more names were taken already: what the later ones wrote stands in mini-batch-1\//,
    )
    const found = await filesIn(job.outputFiles?.folder ?? '')
    expect(found.get('summary.txt')).toBe('0')
    for (let i = 1; i < count / batch; i++)
      expect(found.get(join(`mini-batch-${i}`, 'summary.txt'))).toBe(String(i))
    expect(found.size).toBe(count / batch)
    await allSwept()
  })
})

describe('the output file', () => {
  test.each(['jsonl', 'csv', 'parquet'])(
    'is what a plain loop would have written, whatever fails on the way (.%s)',
    async (ending) => {
      const id = await submit(
        `if (Math.random() < 0.3) throw new Error('by chance')
         if (Math.random() < 0.01) process.exit(1)`,
        `append_row_file_name: rows.${ending}\nrun_max_try: 100\n`,
      )
      const job = await ended(id)
      expect(job).toMatchObject({ state: 'Completed', outputFiles: null })
      expect(await readRows(job.output)).toEqual(plainRows)
    },
  )

  test('goes where it was asked to, and replaces nothing unless told so', async () => {
    const place = office.place('results')
    const fields = `append_row_file_name: rows.jsonl\noutput: ${JSON.stringify(place)}\n`
    const first = await ended(await submit('', fields))
    expect(first.output).toBe(join(place, 'rows.jsonl'))
    expect(await errorOf(submit('', fields))).toMatchObject({
      code: 'OutputExists',
      message: `${first.output} is there already and would be replaced: choose another place, or have it overwritten (\`--overwrite\`, in a job file \`overwrite: true\`).`,
    })
    await writeFile(first.output, 'of an earlier run')
    const over = `append_row_file_name: rows.jsonl\noutput: { path: ${JSON.stringify(place)}, overwrite: true }\n`
    expect((await ended(await submit('', over))).output).toBe(first.output)
    expect(await readRows(first.output)).toEqual(plainRows)
    expect(await readdir(place)).toEqual(['rows.jsonl'])
  })

  test('takes another name if somebody was there meanwhile, and waits for a folder that cannot be written', async () => {
    const place = office.place('blocked')
    const slow = 'await new Promise((resolve) => setTimeout(resolve, 10))'
    const id = await submit(
      slow,
      `append_row_file_name: rows.jsonl\noutput: ${JSON.stringify(place)}\n`,
    )
    // A file where the folder should be.
    await writeFile(place, '')
    await until('the job waits with a reason', async () => {
      const job = await team.keeper.client.call('job', { query: { job: id } })
      return job.state === 'Finalizing' && job.reason.includes('is not a folder')
    })
    await rm(place)
    await mkdir(place)
    await writeFile(join(place, 'rows.jsonl'), 'mine')
    const job = await ended(id)
    expect(job.output).toBe(join(place, 'rows-2.jsonl'))
    expect(await readFile(join(place, 'rows.jsonl'), 'utf8')).toBe('mine')
    expect(await readRows(job.output)).toEqual(plainRows)
  })
})

describe('exports', () => {
  test('of any machine that has the rows, in every format, also while its agent does not run', async () => {
    const id = await submit('', 'output_action: summary_only\n')
    expect(await ended(id)).toMatchObject({ state: 'Completed', output: '', outputFiles: null })
    const folder = office.place('exports')
    await mkdir(folder)
    const ben = team.workers[1] ?? team.keeper
    await until('the rows are at another member too', async () => {
      const { rowsHere } = await ben.client.call('job', { query: { job: id } })
      return rowsHere === count
    })
    for (const format of ['csv', 'jsonl', 'parquet'] as const) {
      const path = join(folder, `rows.${format}`)
      const asked = { query: { job: id.slice(0, 20) }, body: { path } }
      expect(await ben.client.call('exportRows', asked)).toMatchObject({
        path,
        rows: count,
        elsewhere: 0,
      })
      expect(await readRows(path)).toEqual(plainRows)
      expect(await errorOf(ben.client.call('exportRows', asked))).toMatchObject({
        code: 'OutputExists',
      })
    }
    const far = { query: { job: id }, body: { path: join(folder, 'none', 'rows.csv') } }
    expect(await errorOf(ben.client.call('exportRows', far))).toMatchObject({ code: 'NotFound' })
    const text = (await cli(ben.home, `job results ${id} --format jsonl --head 2`)).trim()
    expect(text.split('\n').map((line) => JSON.parse(line) as unknown)).toEqual(
      plainRows.slice(0, 2),
    )

    await ben.stop()
    const offline = join(folder, 'offline.parquet')
    const said = await cli(ben.home, `job results ${id} --output ${offline}`)
    expect(said).toBe(`Wrote ${count} rows to ${offline}.\n`)
    expect(await readRows(offline)).toEqual(plainRows)
    team.workers[1] = await office.start('ben', 1)
  })
})

test('rows of a job for its keeper alone go to nobody else', async () => {
  const secret = await submit('', 'visibility: keeper\n')
  expect((await ended(secret)).rowsHere).toBe(count)
  const open = await submit('', '')
  await ended(open)
  for (const { client } of [team.head, ...team.workers]) {
    await until('the rows of the later job are there', async () => {
      const job = await client.call('job', { query: { job: open } }).catch(() => undefined)
      return job?.rowsHere === count
    })
    const job = await client.call('job', { query: { job: secret } })
    expect([job.state, job.rows, job.rowsHere]).toEqual(['Completed', count, 0])
    expect((await client.call('results', { query: { job: secret } })).rows).toEqual([])
  }
  expect(await cli(team.head.home, `job results ${secret}`)).toBe(
    `${count} rows of the job stay on keeper alone, since its file says "visibility: keeper".\n`,
  )
})

/** Runs the command line; gives what it prints. */
const cli = async (home: string, line: string): Promise<string> => {
  const words = [join(repository, 'node-agent/cli/main.ts'), ...line.split(' '), '--home', home]
  const { stdout } = await promisify(execFile)(process.execPath, words)
  return stdout
}

const readRows = async (path: string): Promise<readonly unknown[]> => {
  if (path.endsWith('.parquet')) {
    const bytes = await readFile(path)
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const rows = await parquetReadObjects({ file })
    return rows.map((row) => ({ ...row, length: Number(row['length']) }))
  }
  const text = await readFile(path, 'utf8')
  if (path.endsWith('.csv')) {
    const rows = parse<Record<string, string>>(text, { columns: true })
    return rows.map((row) => ({ ...row, length: Number(row['length']) }))
  }
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}
