import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, pairAll, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice, errorOf, submitDigits } from '../support/office.ts'
import type { Office } from '../support/office.ts'

const count = 40

/** With their times to the nanosecond, which Node's own copy rounds. */
const copy = (from: string, to: string): void => {
  execFileSync('cp', ['-a', from, to])
}

const streamedBy = async (agent: AgentProcess): Promise<number> =>
  (await agent.client.call('agent')).itemsStreamed

const set = (agent: AgentProcess, key: string, value: string | number | boolean | null) =>
  agent.client.call('changeSetting', { body: { key, value } })

/** Runs a job over the digits and tells how many items each worker was sent meanwhile. */
const run = async (
  from: AgentProcess,
  worker: AgentProcess,
  folder: string,
  overrides: Readonly<Record<string, string | number | boolean>> = {},
) => {
  const before = await streamedBy(worker)
  const id = await submitDigits(from, folder, overrides)
  const job = await untilFinal(() => from.client, id)
  return { id, job, streamed: (await streamedBy(worker)) - before }
}

describe('items are opened where they lie only by the rule', () => {
  let office: Office
  let anna: AgentProcess
  let ben: AgentProcess
  let digits: { folder: string; labels: readonly number[] }

  beforeAll(async () => {
    office = await createOffice()
    digits = await office.digits(count)
    ;[anna, ben] = await Promise.all([office.start('anna', 0), office.start('ben', undefined)])
    await pairAll(anna, [{ agent: ben, roles: ['work'] }])
  })
  afterAll(() => office[Symbol.asyncDispose]())

  test('agents of the same user on one machine share files', async () => {
    const { id, job, streamed } = await run(anna, ben, digits.folder)
    expect([job.state, job.rows, streamed]).toEqual(['Completed', count, 0])
    expect((await allRows(anna.client, id)).every((row) => row.peerName === 'ben')).toBe(true)
  })

  test('a job, or the owner of the worker, may want them streamed', async () => {
    const asked = await run(anna, ben, digits.folder, { in_place: false })
    expect([asked.job.rows, asked.streamed]).toEqual([count, count])
    expect(await set(ben, 'in-place', 'off')).toMatchObject({ value: false, note: '' })
    const refused = await run(anna, ben, digits.folder)
    expect([refused.job.rows, refused.streamed]).toEqual([count, count])
    await set(ben, 'in-place', null)
    expect((await run(anna, ben, digits.folder)).streamed).toBe(0)
  })

  test('a file that changed after the plan fails in words, the others stay in place', async () => {
    const folder = office.place('changing')
    copy(digits.folder, folder)
    await set(ben, 'slots', 0)
    const before = await streamedBy(ben)
    const id = await submitDigits(anna, folder)
    await until('the plan stands', async () => {
      const job = await anna.client.call('job', { query: { job: id } })
      return job.planComplete
    })
    const [first] = readdirSync(folder).toSorted()
    await writeFile(join(folder, first ?? ''), 'something else')
    await set(ben, 'slots', 1)
    const job = await untilFinal(() => anna.client, id)
    expect([job.state, job.itemsSucceeded, job.itemsFailed]).toEqual(['Completed', count - 1, 1])
    const failed = (await allRows(anna.client, id)).filter((row) => row.failure !== '')
    expect(failed[0]?.failure).toMatch(
      /when the job was planned and now has 14: submit the job again/,
    )
    expect(await streamedBy(ben)).toBe(before)
  })
})

describe('shares that owners mapped', () => {
  let office: Office
  let anna: AgentProcess
  let ben: AgentProcess
  let digits: { folder: string; labels: readonly number[] }
  /** Where ben sees the same files. */
  let mounted: string
  const inShare = (path: string) => ({ 'inputs.digits.share': 'pics', 'inputs.digits.path': path })

  beforeAll(async () => {
    office = await createOffice()
    digits = await office.digits(count, join('export', 'digits'))
    mounted = join(office.folder, 'mounted')
    copy(join(office.folder, 'export'), mounted)
    // Without its proof anna is nobody special to ben, as from another machine.
    ;[anna, ben] = await Promise.all([
      office.start('anna', 0, ['--no-in-place']),
      office.start('ben', undefined),
    ])
    await pairAll(anna, [{ agent: ben, roles: ['work'] }])
  })
  afterAll(() => office[Symbol.asyncDispose]())

  test('a share that the submitter did not map is refused', async () => {
    const error = await errorOf(submitDigits(anna, 'digits', inShare('digits')))
    expect(error?.message).toMatch(
      /share "pics", which is not mapped.*muster settings set share\.pics/,
    )
    await set(anna, 'share.pics', join(office.folder, 'export'))
  })

  test('without a map at the worker items are streamed', async () => {
    const { job, streamed } = await run(anna, ben, 'digits', inShare('digits'))
    expect([job.state, job.rows, streamed]).toEqual(['Completed', count, count])
  })

  test('with one they are opened at its own place', async () => {
    await set(ben, 'share.pics', mounted)
    const { job, streamed } = await run(anna, ben, 'digits', inShare('./digits'))
    expect([job.state, job.rows, streamed]).toEqual(['Completed', count, 0])
    expect((await ben.client.call('settings')).settings.at(-1)).toMatchObject({
      key: 'share.pics',
      value: mounted,
    })
  })

  test('a file that differs there is streamed', async () => {
    const [first] = readdirSync(digits.folder).toSorted()
    await writeFile(join(mounted, 'digits', first ?? ''), 'another file')
    const { job, streamed } = await run(anna, ben, 'digits', inShare('digits'))
    expect([job.state, job.rows, streamed]).toEqual(['Completed', count, 1])
  })

  test('a link that leads out of the share is refused on both sides', async () => {
    const outside = office.place('outside')
    copy(digits.folder, outside)
    const linked = office.place('linked')
    await mkdir(linked)
    await symlink(outside, join(linked, 'digits'))
    await set(ben, 'share.pics', linked)
    const { job, streamed } = await run(anna, ben, 'digits', inShare('digits'))
    expect([job.state, job.rows, streamed]).toEqual(['Completed', count, count])
    await set(anna, 'share.pics', linked)
    const error = await errorOf(submitDigits(anna, 'digits', inShare('digits')))
    expect(error?.message).toMatch(/"digits" leads out of the share "pics" and was refused/)
  })

  test('a path that leaves the share by words is no path', async () => {
    for (const path of ['../outside', '/etc', 'a/../../b', '~/x', 'C:\\x']) {
      const error = await errorOf(submitDigits(anna, path, inShare(path)))
      expect(error?.message).toMatch(/must be a path below the share "pics"/)
    }
  })
})
