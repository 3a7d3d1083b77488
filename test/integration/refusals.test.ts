import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRows, until, untilFinal } from '../../tools/agents.ts'
import type { AgentProcess } from '../../tools/agents.ts'
import { createOffice, errorOf, mnistJobFile, startTeam, submitDigits } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'

/** One sentence that ends, names what it is about, and shows no code from inside. */
const expectSentence = (error: { message: string } | undefined, ...words: string[]): void => {
  expect(error).toBeDefined()
  for (const word of words) expect(error?.message).toContain(word)
  expect(error?.message).toMatch(/[.?]$/)
  expect(error?.message).not.toMatch(/Error:|undefined|\[object/)
}

let office: Office
let team: Team

beforeAll(async () => {
  office = await createOffice()
  team = await startTeam(office, ['ada'])
})
afterAll(() => office[Symbol.asyncDispose]())

describe('starting', () => {
  test('a second agent on the same home is told who holds it', async () => {
    const failure = await office.start('keeper', 0).catch((thrown: unknown) => String(thrown))
    expect(failure).toContain('in use by another agent')
    expect(failure).toContain(String(team.keeper.pid))
  })

  test('a taken web port and a home that cannot be are told', async () => {
    await using taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const failure = await office
      .start('porty', 0, ['--web-port', String(port)])
      .catch((thrown: unknown) => String(thrown))
    expect(failure).toContain(String(port))
    const file = join(office.folder, 'a-file')
    await writeFile(file, '')
    const homeless = await office
      .start(join('a-file', 'home'), 0)
      .catch((thrown: unknown) => String(thrown))
    expect(homeless).toContain('cannot be written')
  })

  test.runIf(process.platform === 'linux')(
    'nothing listens beyond loopback before pairing',
    async () => {
      const alone = await office.start('alone', 1)
      expect((await alone.client.call('agent')).addresses).toEqual([])
      const addresses = listeningAddresses(alone.pid)
      expect(addresses.length).toBe(1)
      expect(addresses.every((address) => address === '0100007F')).toBe(true)
      const refused = await errorOf(submitDigits(alone, office.folder))
      expect(refused?.code).toBe('NotInCluster')
      expectSentence(refused, 'cluster create')
      await alone.stop()
    },
  )
})

describe('pairing', () => {
  test('a mistyped, a used and an expired invitation are each told apart', async () => {
    const newcomer = await office.start('newcomer', 1)
    const invite = (expiresInSeconds?: number) =>
      team.head.client.call('invite', {
        body: expiresInSeconds === undefined ? {} : { expiresInSeconds },
      })
    const { code } = await invite()
    const mistyped = await errorOf(
      newcomer.client.call('join', { body: { code: `${code.slice(0, -3)}AAA` } }),
    )
    expect(mistyped?.code).toBe('InvitationMalformed')
    const { code: short } = await invite(0.05)
    await wait(100)
    const expired = await errorOf(newcomer.client.call('join', { body: { code: short } }))
    expect(expired?.code).toBe('InvitationExpired')
    const joined = await newcomer.client.call('join', { body: { code } })
    expect(joined.words.split(/[ -]/).length).toBe(4)
    const late = await office.start('late', 1)
    const used = await errorOf(late.client.call('join', { body: { code } }))
    expect(used?.code).toBe('InvitationUsed')
    expectSentence(used, 'muster cluster invite')
    await late.stop()
    const noRole = await errorOf(submitDigits(newcomer, office.folder))
    expect(noRole?.code).toBe('RoleMissing')
    expectSentence(noRole, 'submit')
    const noAdmin = await errorOf(newcomer.client.call('invite', { body: {} }))
    expect(noAdmin?.code).toBe('RoleMissing')

    await team.head.client.call('removeMember', { query: { peer: 'newcomer' } })
    await until('the removed member is cut off', async () => {
      const { peers } = await newcomer.client.call('peers')
      return peers.every((peer) => !['alive', 'suspect'].includes(peer.liveness))
    })
    const { peers } = await team.head.client.call('peers')
    expect(peers.map((peer) => peer.name)).not.toContain('newcomer')
    await newcomer.stop()
    const last = await errorOf(team.head.client.call('removeMember', { query: { peer: 'head' } }))
    expect(last?.code).toBe('LastAdmin')
  })
})

describe('submitting', () => {
  const submit = async (change: (text: string) => string, overrides = {}) => {
    const text = change(await readFile(mnistJobFile, 'utf8'))
    return errorOf(
      team.keeper.client.call('submitJob', { body: { text, file: mnistJobFile, overrides } }),
    )
  }

  test('names a wrong field with its place and the right one', async () => {
    const error = await submit((text) => text.replace('mini_batch_size', 'mini_bach_size'))
    expect(error?.code).toBe('JobFileInvalid')
    expectSentence(error, 'mini_bach_size', 'mini_batch_size')
    expect(error).toMatchObject({ position: { file: mnistJobFile } })
  })

  test('refuses an empty folder, a missing folder and values out of range', async () => {
    const empty = join(office.folder, 'empty')
    await mkdir(empty, { recursive: true })
    const noItems = await submit((text) => text, { 'inputs.digits.path': empty })
    expect(noItems?.code).toBe('InputEmpty')
    expectSentence(noItems, empty)
    const missing = await submit((text) => text, { 'inputs.digits.path': join(empty, 'no') })
    expect(missing?.code).toBe('InputMissing')
    const range = await submit((text) => text, { mini_batch_size: 0 })
    expectSentence(range, 'mini_batch_size', '0')
  })

  test('refuses models that are missing, broken, or do not fit', async () => {
    const { folder } = await office.digits(10, 'ten')
    const here = { 'inputs.digits.path': folder }
    const missing = await submit((text) => text, { ...here, model: './no-such.onnx' })
    expect(missing?.code).toBe('ModelMissing')
    const broken = join(office.folder, 'broken.onnx')
    await writeFile(broken, 'this is no model')
    const unreadable = await submit((text) => text, { ...here, model: broken })
    expect(unreadable?.code).toBe('ModelBroken')
    expectSentence(unreadable, 'broken.onnx')
    const wide = await submit((text) => text, { ...here, 'preprocess.width': 32 })
    expect(wide?.code).toBe('ModelMismatch')
    expectSentence(wide, '32', '28')
    const unknown = await submit((text) => text, { ...here, model: 'never-registered' })
    expect(unknown?.code).toBe('ModelUnknown')
  })

  test('a job with files that are no images completes and names each of them', async () => {
    const { folder } = await office.digits(40, 'mixed')
    await writeFile(join(folder, '00003.png'), 'not a picture at all')
    const whole = await readFile(join(folder, '00017.png'))
    await writeFile(join(folder, '00017.png'), whole.subarray(0, whole.length / 2))
    await writeFile(join(folder, '00021.png'), '')
    const id = await submitDigits(team.keeper, folder)
    const job = await untilFinal(() => team.keeper.client, id)
    expect(job.state).toBe('Completed')
    expect([job.itemsSucceeded, job.itemsFailed, job.charged]).toEqual([37, 3, 0])
    const failed = (await allRows(team.keeper.client, id)).filter((row) => row.failure !== '')
    expect(failed.map((row) => row.name)).toEqual(['00003.png', '00017.png', '00021.png'])
    for (const row of failed) expectSentence({ message: row.failure }, row.name)
    const strict = await submitDigits(team.keeper, folder, { error_threshold: 2 })
    const aborted = await untilFinal(() => team.keeper.client, strict)
    expect(aborted.state).toBe('Failed')
    expect(aborted.output).toBe('')
    expect(aborted.headline).toContain('3')
  })

  test('the same submission twice is one job', async () => {
    const { folder } = await office.digits(10, 'ten')
    const text = await readFile(mnistJobFile, 'utf8')
    const body = {
      text,
      file: mnistJobFile,
      overrides: { 'inputs.digits.path': folder },
      submissionId: 'only-once',
    }
    const first = await team.keeper.client.call('submitJob', { body })
    const second = await team.keeper.client.call('submitJob', { body })
    expect(second.id).toBe(first.id)
    await untilFinal(() => team.keeper.client, first.id)
  })
})

describe('on the way', () => {
  test('a job waits for a submitter who left, says so, and goes on when it is back', async () => {
    const { folder, labels } = await office.digits(3_000, 'many')
    const id = await submitDigits(team.keeper, folder)
    await until('some rows are committed', async () => {
      const job = await team.keeper.client.call('job', { query: { job: id } })
      return job.committed > 10
    })
    await team.keeper.killHard()
    await until('the job says for whom it waits', async () => {
      const job = await team.head.client.call('job', { query: { job: id } })
      return job.reason.includes('keeper')
    })
    const { lines } = await team.head.client.call('explain', { query: { job: id } })
    expect(lines.join(' ')).toContain('keeper')
    team.keeper = await office.start('keeper', 0)
    const job = await untilFinal(() => team.keeper.client, id)
    expect([job.state, job.rows]).toEqual(['Completed', labels.length])
  })

  test('a canceled job stops, keeps its rows, and writes no output', async () => {
    const { folder } = await office.digits(3_000, 'many')
    const id = await submitDigits(team.keeper, folder)
    await until('some rows are committed', async () => {
      const job = await team.keeper.client.call('job', { query: { job: id } })
      return job.committed > 10
    })
    await team.keeper.client.call('cancelJob', { query: { job: id } })
    const job = await untilFinal(() => team.keeper.client, id)
    expect(job.state).toBe('Canceled')
    expect(job.output).toBe('')
    expect(job.rows).toBeLessThan(3_000)
    expect(job.rowsHere).toBe(job.rows)
    expect(job.committed + job.canceled + job.failed).toBe(job.miniBatches)
    const twice = await errorOf(team.keeper.client.call('cancelJob', { query: { job: id } }))
    expect(twice?.code).toBe('JobEnded')
  })
})

test('no telemetry of the runtime is written anywhere in the homes', async () => {
  const { stdout } = await promisify(execFile)('find', [office.folder, '-iname', '*onnxruntime*'])
  expect(stdout).toBe('')
})

/** Local addresses, in the kernel's hex, on which a process accepts TCP connections. */
const listeningAddresses = (pid: AgentProcess['pid']): readonly string[] => {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
      .map((fields) => fields[1]?.split(':')[0] ?? ''),
  )
}
