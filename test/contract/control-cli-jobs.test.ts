import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { jobView, rowPageView, rowView } from '#protocol/control/job-views.ts'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { makeRow } from '#test/support/control-views.ts'
import { runMuster, startCli } from '#test/support/run-cli.ts'
import type { CliOptions } from '#test/support/run-cli.ts'

let fixture: ControlFixture
let folder: string
const job = '01JOB7'

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-cli-jobs-'))
  await writeFile(join(folder, 'digits.yml'), 'name: digits\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  fixture = await startControlFixture({ rows: 2_500 })
  fixture.changeJob(job, {})
})
afterEach(() => fixture[Symbol.asyncDispose]())

const muster = (line: string, options: CliOptions = {}) =>
  runMuster(line.split(' '), { home: fixture.home, cwd: folder, ...options })
const start = (line: string) => startCli(line.split(' '), { home: fixture.home, cwd: folder })

describe('watching', () => {
  test('says each state in a line and ends with 0 when the job is completed', async () => {
    const watching = start(`job watch ${job}`)
    expect(await watching.nextLine()).toBe('Queued · 0 / 25')
    fixture.changeJob(job, {
      state: 'Running',
      itemsSucceeded: 8,
      itemsFailed: 1,
      itemsPerSecond: 12_904,
      secondsLeft: [1.2, 1.9],
    })
    expect(await watching.nextLine()).toBe('Running · 9 / 25 · 12,900/s · 1-2 s left · 1 failed')
    fixture.changeJob(job, { itemsSucceeded: 20 })
    fixture.changeJob('01OTHER', { state: 'Failed' })
    fixture.changeJob(job, { state: 'Finalizing', itemsSucceeded: 24, reason: 'waits for ben' })
    expect(await watching.nextLine()).toMatch(/^Finalizing · .* · waits for ben$/)
    fixture.changeJob(job, {
      state: 'Completed',
      endedAt: 1,
      reason: '',
      output: '/out/predictions.csv',
      outputFiles: { folder: '/out/files', count: 3, bytes: 1_200 },
    })
    const { code, stdout, stderr } = await watching.ended
    expect(stdout.split('\n').slice(3)).toEqual([
      'Completed · 25 / 25 · 1 failed',
      'Output: /out/predictions.csv',
      'Files: /out/files (3 files, 1.2 kB)',
      '',
    ])
    expect([code, stderr]).toEqual([0, ''])
  })

  test('prints one JSON line for each change', async () => {
    const watching = start(`job watch ${job} --json`)
    expect(jobView.strict().parse(JSON.parse(await watching.nextLine())).state).toBe('Queued')
    fixture.changeJob(job, { committed: 1 })
    fixture.changeJob(job, { committed: 2 })
    fixture.changeJob(job, { state: 'Failed', headline: 'All items failed.' })
    const { code, stdout } = await watching.ended
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => jobView.parse(JSON.parse(line)))
    expect(lines.map(({ state, committed }) => [state, committed])).toEqual([
      ['Queued', 0],
      ['Queued', 1],
      ['Queued', 2],
      ['Failed', 2],
    ])
    expect(code).toBe(1)
  })

  test.each([
    ['Failed', 1, /^Failed · 0 \/ 25 · The model is broken\.\n$/],
    ['Canceled', 1, /^Canceled · 0 \/ 25 · The model is broken\.\n$/],
    ['Completed', 0, /^Completed · 0 \/ 25/],
  ] as const)('a job that is %s already ends at once with %i', async (state, expected, words) => {
    fixture.changeJob(job, { state, endedAt: 1, headline: 'The model is broken.' })
    const { code, stdout } = await muster(`job watch ${job.slice(0, 5)}`)
    expect(stdout).toMatch(words)
    expect(code).toBe(expected)
  })

  test('takes a new snapshot when its place in the deltas is gone', async () => {
    let snapshots = 0
    await using own = await startControlFixture({
      handlers: {
        snapshot: async () => {
          snapshots += 1
          const { snapshot, sequence } = {
            snapshot: await fixture.client.call('snapshot'),
            sequence: own.deltas.sequence(),
          }
          return { ok: true, value: { ...snapshot, sequence: snapshots === 1 ? 5 : sequence } }
        },
      },
    })
    own.changeJob(job, {})
    const watching = startCli(['job', 'watch', job, '--json'], { home: own.home })
    await watching.nextLine()
    own.changeJob(job, { state: 'Completed' })
    expect((await watching.ended).code).toBe(0)
    expect(snapshots).toBe(2)
  })

  test('finds an agent again that was restarted meanwhile', async () => {
    const home = await mkdtemp(join(folder, 'restart-'))
    const first = await startControlFixture({ home })
    first.changeJob(job, {})
    const watching = startCli(['job', 'watch', job], { home })
    expect(await watching.nextLine()).toMatch(/^Queued/)
    await first[Symbol.asyncDispose]()
    await using second = await startControlFixture({ home })
    second.changeJob(job, { state: 'Completed' })
    const { code, stdout } = await watching.ended
    expect(stdout).toMatch(/\nCompleted · /)
    expect(code).toBe(0)
  })

  test('is left by Ctrl-C with 130, and the job goes on', async () => {
    const watching = start(`job watch ${job}`)
    await watching.nextLine()
    watching.child.kill('SIGINT')
    const { code, stderr } = await watching.ended
    expect([code, stderr]).toEqual([130, ''])
    expect(fixture.seen.some(({ name }) => name === 'cancelJob')).toBe(false)
  })

  test('goes with submit', async () => {
    const watching = start('job submit digits.yml --watch')
    await watching.nextLine()
    const submitted = [...fixture.jobs.keys()].find((id) => id !== job) ?? ''
    fixture.changeJob(submitted, { state: 'Failed', headline: 'The folder is empty.' })
    const { code, stdout } = await watching.ended
    expect(stdout).toMatch(/Failed · 0 \/ 25 · The folder is empty\.\n$/)
    expect(code).toBe(1)
  })
})

describe('results', () => {
  test('come as a table of the first rows, with a note that there are more', async () => {
    const { code, stdout, stderr } = await muster(`job results ${job}`)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toBe('ITEM      label     score  MACHINE  ATTEMPT  FAILURE')
    expect(lines[7]).toBe('0006.png                   ben            1  The file is no image.')
    expect(lines).toHaveLength(51)
    expect(stderr).toBe('2,450 more; --head N shows more of them, --output FILE writes all.\n')
    expect(code).toBe(0)
  })

  test('come as one document of the API with --json, over several pages', async () => {
    const one = rowPageView.parse(JSON.parse((await muster(`job results ${job} --json`)).stdout))
    expect([one.rows.length, one.total, one.next]).toEqual([1_000, 2_500, '1000'])
    const two = rowPageView.parse(
      JSON.parse((await muster(`job results ${job} --json --head 1500`)).stdout),
    )
    expect([two.rows.length, two.total, two.next]).toEqual([1_500, 2_500, '1500'])
    expect(two.rows.map(({ item }) => item)).toEqual(Array.from({ length: 1_500 }, (_, at) => at))
    const all = rowPageView.parse(
      JSON.parse((await muster(`job results ${job} --json --head 9999`)).stdout),
    )
    expect([all.rows.length, all.next]).toEqual([2_500, null])
  })

  test('come as JSON lines, all of them', async () => {
    const { stdout } = await muster(`job results ${job} --details --format jsonl`)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => rowView.parse(JSON.parse(line)))
    expect(rows).toEqual(Array.from({ length: 2_500 }, (_, item) => makeRow(item)))
    expect(fixture.seen.filter(({ name }) => name === 'results')).toHaveLength(3)
  })

  test('come as CSV with quotes where they are needed', async () => {
    const { stdout } = await muster(`job results ${job} --details --format csv --head 7`)
    expect(stdout.split('\r\n')).toEqual([
      'item,name,label,score,mini_batch,machine,attempt,failure',
      '0,0000.png,0,0.5,0,ben,1,',
      '1,0001.png,1,0.5,0,ben,1,',
      '2,0002.png,2,0.5,0,ben,1,',
      '3,0003.png,"a ""b"", c",0.5,0,ben,1,',
      '4,0004.png,4,0.5,0,ben,1,',
      '5,0005.png,5,0.5,0,ben,1,',
      '6,0006.png,,,0,ben,1,The file is no image.',
      '',
    ])
  })

  test('CSV has the columns of all rows, also those that come late or clash with ours', async () => {
    const values = [{ a: 1 }, 'plain', { name: 'own', b: [1, { c: null }] }, null]
    await using own = await startControlFixture({
      handlers: {
        results: async ({ query }) => {
          const at = Number(query.cursor ?? 0)
          const rows = [{ ...makeRow(0), item: at, value: values[at] }]
          return { ok: true, value: { rows, total: 4, next: at < 3 ? String(at + 1) : null } }
        },
      },
    })
    const { stdout } = await muster('job results x --details --format csv', { home: own.home })
    expect(stdout.split('\r\n').map((line) => line.replace(',0,ben,1,', ''))).toEqual([
      'item,name,a,value,value.name,b,mini_batch,machine,attempt,failure',
      '0,0000.png,1,,,',
      '1,0000.png,,plain,,',
      '2,0000.png,,,own,"[1,{""c"":null}]"',
      '3,0000.png,,,,',
      '',
    ])
  })

  test('can be the failures only', async () => {
    const { stdout } = await muster(`job results ${job} --only failures --format jsonl --head 2`)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => rowView.parse(JSON.parse(line)))
    expect(rows.map(({ item }) => item)).toEqual([6, 13])
    expect((await muster(`job results ${job} --only failures --head 1`)).stdout).toMatch(
      /^ITEM +MACHINE +ATTEMPT +FAILURE\n/,
    )
  })

  test('say how many failed items are not among them', async () => {
    fixture.changeJob(job, { itemsFailed: 360 })
    for (const how of [
      '--only failures',
      '--only failures --format jsonl',
      '--details --format csv',
    ])
      expect((await muster(`job results ${job} ${how}`)).stderr).toContain(
        `3 more items failed with the whole mini-batch: \`muster job show ${job}\` says why`,
      )
    for (const how of ['--only rows', '--details --format csv --head 5'])
      expect((await muster(`job results ${job} ${how}`)).stderr).not.toContain('failed with')
  })

  test('go into a file, complete or not at all', async () => {
    const own = await mkdtemp(join(folder, 'out-'))
    const written = await muster(`job results ${job} --details --output rows.csv`, { cwd: own })
    expect(written.code).toBe(0)
    expect(written.stdout).toBe('Wrote 2,143 rows and 357 failed items to rows.csv.\n')
    expect((await readFile(join(own, 'rows.csv'), 'utf8')).split('\r\n')).toHaveLength(2_502)
    const json = await muster(`job results ${job} --details --output rows.jsonl --head 3 --json`, {
      cwd: own,
    })
    expect(JSON.parse(json.stdout)).toEqual({ output: 'rows.jsonl', rows: 3 })
    const failed = await muster('job results nope --details --output rows.csv --overwrite', {
      cwd: own,
    })
    expect(failed.code).toBe(5)
    const there = await muster(`job results ${job} --only failures --output rows.csv`, { cwd: own })
    expect([there.code, there.stdout]).toEqual([4, ''])
    expect(there.stderr).toMatch(/rows\.csv is there already and would be replaced; choose another/)
    expect((await readdir(own)).toSorted()).toEqual(['rows.csv', 'rows.jsonl'])
    expect((await readFile(join(own, 'rows.csv'), 'utf8')).split('\r\n')).toHaveLength(2_502)
    const again = `job results ${job} --details --output rows.csv --head 1 --overwrite`
    expect((await muster(again, { cwd: own })).code).toBe(0)
    expect((await readFile(join(own, 'rows.csv'), 'utf8')).split('\r\n')).toHaveLength(3)
  })

  test('are exported by the agent in any format, into a file or to whoever reads', async () => {
    const own = await mkdtemp(join(folder, 'export-'))
    const written = await muster(`job results ${job} --output rows.tsv`, { cwd: own })
    expect([written.code, written.stdout]).toEqual([0, 'Wrote 2,500 rows to rows.tsv.\n'])
    expect(await readFile(join(own, 'rows.tsv'), 'utf8')).toMatch(/^tsv\né0\né1\n/)
    const named = await muster(
      `job results ${job} --format parquet --output rows --head 2 --overwrite --json`,
      { cwd: own },
    )
    expect(JSON.parse(named.stdout)).toEqual({ output: 'rows', rows: 2, bytes: 14, elsewhere: 0 })
    expect(fixture.seen.at(-1)).toMatchObject({
      name: 'exportRows',
      body: { path: join(own, 'rows'), format: 'parquet', head: 2, overwrite: true },
    })
    const { stdout } = await muster(`job results ${job} --format txt --head 3`)
    expect(stdout).toBe('txt\né0\né1\né2\n')
    const failed = await muster('job results nope --output rows.csv', { cwd: own })
    expect(failed.code).toBe(5)
  })

  test('end quietly when nobody reads on', async () => {
    const printing = start(`job results ${job} --details --format jsonl`)
    await printing.nextLine()
    printing.child.stdout?.destroy()
    const { code, stderr } = await printing.ended
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('logs', () => {
  test('are the overview with what there is, and what one machine printed', async () => {
    const all = await muster(`job logs ${job}`)
    expect(all.code).toBe(0)
    expect(all.stdout).toContain(`(${job})`)
    expect(all.stdout).toMatch(/LOG OF +PROCESS +SIZE +STARTED\nben +0 +12 bytes/)
    expect(all.stdout).toContain('Files of the run: /home/anna/outputs/logs')
    expect(all.stderr).toBe('cem cannot be reached; its logs can be read when it is back.\n')
    const one = await muster(`job logs ${job} --peer ben --process 0 --tail 2`)
    expect(one.stdout).toBe('one\ntwo \ufffd[2J\n')
    expect(fixture.seen.at(-1)).toMatchObject({
      name: 'jobLog',
      query: { peer: 'ben', process: 0, tail: 2 },
    })
    const none = await muster(`job logs ${job} --peer cem`)
    expect([none.code, none.stdout]).toEqual([0, ''])
    expect(none.stderr).toContain('printed nothing on cem')
    const refused = await muster(`job logs ${job} --tail 2`)
    expect(refused.stderr).toContain('name it with --peer')
    expect(refused.code).not.toBe(0)
  })

  test('list the processed mini-batches page by page, as CSV or JSON', async () => {
    const { stdout } = await muster(`job logs ${job} --mini-batches`)
    const line = (n: number) =>
      `${n},ben,0,1,2023-11-14T22:13:20.000Z,10,9,1,0.25,succeeded,"It is no image, ""really""."`
    const header =
      'mini_batch,peer,process,attempt,start,items,succeeded,failed,seconds,status,message'
    expect(stdout).toBe(`${[header, line(0), line(1)].join('\n')}\n`)
    const json = await muster(`job logs ${job} --mini-batches --json`)
    const found = json.stdout.trim().split('\n')
    expect(found.map((text) => (JSON.parse(text) as { miniBatch: number }).miniBatch)).toEqual([
      0, 1,
    ])
  })
})
