import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, pairAll, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import type { DoctorView, StoreReportView } from '#protocol/control/care-views.ts'
import { createOffice, errorOf, submitDigits } from '../support/office.ts'
import type { Office } from '../support/office.ts'
import { runMuster } from '../support/run-cli.ts'

const count = 200

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it asks for
const muster = async <Answer>(home: string, ...args: string[]) => {
  const { code, stdout, stderr } = await runMuster([...args, '--json'], { home })
  return { code, stderr, answer: JSON.parse(stdout === '' ? 'null' : stdout) as Answer }
}

const checkOf = (view: DoctorView, id: string, about?: string) =>
  view.checks.find((one) => one.id === id && (about === undefined || one.about === about))

describe('an agent tells how it is and lets itself be set', () => {
  let office: Office
  let anna: AgentProcess
  let ben: AgentProcess
  let job: string

  beforeAll(async () => {
    office = await createOffice()
    const digits = await office.digits(count)
    ;[anna, ben] = await Promise.all([office.start('anna', 0), office.start('ben', undefined)])
    await pairAll(anna, [{ agent: ben, roles: ['work'] }])
    job = await submitDigits(anna, digits.folder)
    expect((await untilFinal(() => anna.client, job)).state).toBe('Completed')
  })
  afterAll(() => office[Symbol.asyncDispose]())

  test('doctor says of each member how it is', async () => {
    const { code, answer } = await muster<DoctorView>(anna.home, 'doctor')
    expect(code).toBe(0)
    expect(answer.running).toBe(true)
    expect(checkOf(answer, 'member', 'ben')).toMatchObject({ level: 'ok' })
    expect(checkOf(answer, 'member', 'ben')?.message).toMatch(
      /^It is connected; its clock differs by \d+ ms\.$/,
    )
    expect(checkOf(answer, 'node')).toMatchObject({ level: 'ok' })
    expect(checkOf(answer, 'listening')?.message).toMatch(/only at \/ip4\/127\.0\.0\.1/)
    expect(checkOf(answer, 'port')?.tried).toEqual([
      { address: expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+$/), outcome: 'answers' },
    ])
    expect(checkOf(answer, 'mdns')?.message).toMatch(/is off/)
    for (const { message, advice } of answer.checks)
      expect(`${message}${advice === '' ? '.' : advice}`).toMatch(/^\S.*\.$/)
  })

  test('rows, slots and name are set while it runs, and kept over a restart', async () => {
    const seen = async () =>
      (await anna.client.call('peers')).peers.find(({ peer }) => peer === ben.peer)
    await muster(ben.home, 'settings', 'set', 'slots', '3')
    await until('anna sees three slots', async () => (await seen())?.slots === 3)
    const named = await muster<{ note: string }>(ben.home, 'settings', 'set', 'name', 'benno')
    expect(named.answer.note).toMatch(/command line of this run/)
    const mdns = await muster<{ note: string }>(ben.home, 'settings', 'set', 'mdns', 'off')
    expect(mdns.answer.note).toBe('')

    await until('ben has the rows', async () => {
      return (await ben.client.call('job', { query: { job } })).rowsHere === count
    })
    await muster(ben.home, 'settings', 'set', 'rows', 'none')
    await until('ben has dropped them', async () => {
      return (await ben.client.call('job', { query: { job } })).rowsHere === 0
    })
    await muster(ben.home, 'settings', 'set', 'rows', 'all')
    await until('ben has fetched them again', async () => {
      return (await ben.client.call('job', { query: { job } })).rowsHere === count
    })
    await muster(ben.home, 'settings', 'set', 'rows-quota', '1KB')
    await until('there is no room for them', async () => {
      return (await ben.client.call('job', { query: { job } })).rowsHere === 0
    })
    await muster(ben.home, 'settings', 'set', 'rows-quota', '--default')
    await until('there is room again', async () => {
      return (await ben.client.call('job', { query: { job } })).rowsHere === count
    })
    expect((await allRows(ben.client, job)).map(({ item }) => item)).toEqual(
      Array.from({ length: count }, (_, item) => item),
    )

    await ben.stop()
    ben = await office.start('ben', undefined)
    await until('ben offers three slots again', async () => (await seen())?.slots === 3)
  })

  test('wrong settings are refused in a sentence', async () => {
    const wrong = [
      ['slots', 'many', '"slots" is "many", but must be "auto" or a whole number from 0 to 1024.'],
      ['rows-quota', '2XB', /^"rows-quota" is "2XB", but must be a size/],
      ['in-place', 'perhaps', '"in-place" is "perhaps", but must be on or off.'],
      ['slotz', '1', '"slotz" is no setting: did you mean slots?'],
      ['share.pics', 'pics', /must be the absolute path of a folder/],
      ['share.pics', '/no/such/folder', /^The share "pics" is not at \/no\/such\/folder/],
      ['share.a b', '/tmp', /^"share\.a b" is no setting/],
    ] as const
    for (const [key, value, sentence] of wrong) {
      const error = await errorOf(ben.client.call('changeSetting', { body: { key, value } }))
      expect(error?.message).toMatch(sentence)
    }
    const list = await muster<{ settings: { key: string }[] }>(ben.home, 'settings', 'list')
    expect(list.answer.settings.map(({ key }) => key)).toContain('rows-quota')
    expect((await muster(ben.home, 'settings', 'get', 'share.pics')).code).toBe(5)
  })

  test('the store is checked and rebuilt while the agent runs', async () => {
    const check = await muster<StoreReportView>(anna.home, 'store', 'check')
    expect(check.answer).toMatchObject({ sound: true, findings: [] })
    expect(check.answer.blobs).toMatchObject({ missing: 0, corrupt: 0, orphan: 0 })
    expect(check.answer.blobs.present).toBeGreaterThan(0)
    expect(check.answer.segments).toBeGreaterThan(3)
    const rebuilt = await muster<StoreReportView>(anna.home, 'store', 'rebuild')
    expect(rebuilt.answer.sound).toBe(true)
    expect(rebuilt.answer.digestAfter).toBe(check.answer.digestBefore)
    expect(await readdir(anna.home)).not.toContainEqual(expect.stringMatching(/^check-/))
    expect((await allRows(anna.client, job)).length).toBe(count)
  })

  test('doctor says why a member is away, and what to do', async () => {
    await ben.stop()
    await until('ben is lost', async () => {
      const { peers } = await anna.client.call('peers')
      return peers.some(({ name, liveness }) => name === 'ben' && liveness === 'lost')
    })
    const { answer } = await muster<DoctorView>(anna.home, 'doctor')
    expect(checkOf(answer, 'member', 'ben')).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/^The machine of ben is on, but nothing listens at \/ip4/),
      advice: expect.stringMatching(/^Start Muster there/),
      tried: [{ outcome: 'nothing listens there' }],
    })
  })

  test('a stopped store is checked offline, and every kind of damage is named', async () => {
    await anna.stop()
    const doctor = await muster<DoctorView>(anna.home, 'doctor')
    expect(doctor.code).toBe(3)
    expect(doctor.answer).toMatchObject({ running: false, level: 'fail' })
    expect(doctor.answer.checks.map(({ id }) => id)).toEqual([
      'agent',
      'home',
      'disk',
      'node',
      'page',
    ])

    const sound = await muster<StoreReportView>(anna.home, 'store', 'check')
    expect([sound.code, sound.answer.sound]).toEqual([0, true])
    expect((await muster<StoreReportView>(anna.home, 'store', 'rebuild')).answer.digestAfter).toBe(
      sound.answer.digestBefore,
    )

    const blobs = join(anna.home, 'blobs')
    const all = readdirSync(blobs, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && /^[0-9a-f]{62}$/.test(one.name))
      .map((one) => join(one.parentPath, one.name))
    await appendFile(all[0] ?? '', 'x')
    const database = new Database(join(anna.home, 'muster.db'))
    const id = database.prepare('SELECT id FROM segment ORDER BY id DESC').pluck().get() as number
    const bytes = database
      .prepare('SELECT bytes FROM segment WHERE id = ?')
      .pluck()
      .get(id) as Buffer
    bytes[bytes.length - 70] = (bytes[bytes.length - 70] ?? 0) ^ 1
    database.prepare('UPDATE segment SET bytes = ? WHERE id = ?').run(bytes, id)
    database.prepare('DELETE FROM counted_commit WHERE mini_batch = 0').run()
    database.close()

    const { code, answer } = await muster<StoreReportView>(anna.home, 'store', 'check')
    expect([code, answer.sound, answer.blobs.corrupt]).toEqual([6, false, 1])
    expect(answer.findings.join('\n')).toMatch(/ledger segment of .* was refused/)
    expect(answer.findings.join('\n')).toMatch(
      /tables differ from what the ledger says: run `muster store rebuild`/,
    )
    expect(answer.findings.join('\n')).toMatch(/1 blob is damaged on the disk/)
  })
})

test('without a home nothing is made, and it is said', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-none-'))
  const home = join(folder, 'none')
  const check = await muster(home, 'store', 'check')
  expect(check.stderr).toMatch(/There is no store in .*none/)
  const doctor = await muster<DoctorView>(home, 'doctor')
  expect([doctor.code, checkOf(doctor.answer, 'home')?.message]).toEqual([
    3,
    `The folder ${home} is not there yet.`,
  ])
  expect(await readdir(folder)).toEqual([])
  await rm(folder, { recursive: true })
})

test('bash completes commands, options and choices', async () => {
  const { stdout } = await runMuster(['completion', 'bash'])
  const folder = await mkdtemp(join(tmpdir(), 'muster-completion-'))
  const script = join(folder, 'script.bash')
  const complete = async (line: string): Promise<string[]> => {
    const words = line.split(' ')
    const probe = `${stdout}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_muster; printf '%s\\n' "\${COMPREPLY[@]}"`
    await writeFile(script, probe)
    return execFileSync('bash', [script]).toString().trim().split('\n')
  }
  expect(await complete('muster s')).toEqual(['stop', 'schedule', 'script', 'store', 'settings'])
  expect(await complete('muster store ')).toEqual(['check', 'rebuild'])
  expect(await complete('muster --home job job s')).toEqual(['submit', 'show'])
  expect(await complete('muster job results --f')).toEqual(['--format'])
  expect(await complete('muster job results X --format ')).toEqual([
    'table',
    'csv',
    'tsv',
    'jsonl',
    'parquet',
    'txt',
  ])
  expect(await complete('muster completion ')).toEqual(['bash', 'zsh', 'fish'])
  // A file's name is left to the shell.
  expect(await complete('muster job submit j')).toEqual([''])
  await rm(folder, { recursive: true })
})

test.each(['zsh', 'fish'])('the script for %s knows every command', async (shell) => {
  const { code, stdout } = await runMuster(['completion', shell])
  expect(code).toBe(0)
  for (const word of ['add-address', 'rebuild', 'log-level', 'jsonl'])
    expect(stdout).toContain(word)
})
