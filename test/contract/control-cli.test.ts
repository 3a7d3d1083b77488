import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { api } from '#protocol/control/api.ts'
import type { ApiName } from '#protocol/control/api.ts'
import { errorView } from '#protocol/control/views.ts'
import { repository } from '../../tools/agents.ts'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { runMuster } from '#test/support/run-cli.ts'
import type { CliOptions } from '#test/support/run-cli.ts'

let fixture: ControlFixture
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-cli-'))
  await writeFile(join(folder, 'digits.yml'), 'name: digits\nmini_batch_size: 10\n')
  await writeFile(join(folder, 'wrong.yml'), 'name: digits\n\nmini_bach_size: 10\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  fixture = await startControlFixture()
  fixture.changeJob('01JOB7', { name: 'digits' })
})
afterEach(() => fixture[Symbol.asyncDispose]())

const muster = (line: string, options: CliOptions = {}) =>
  runMuster(line.split(' '), { home: fixture.home, cwd: folder, ...options })

/** Command line, call, what a person reads. */
const commands: readonly (readonly [string, ApiName, RegExp])[] = [
  [
    'peers',
    'peers',
    /^NAME +STATE +SLOTS +LOAD.*\nanna \(head\) +this machine +1\/4 busy +25 %.*\nben +alive .*its owner is back\n$/,
  ],
  [
    'cluster create lab',
    'createCluster',
    /The cluster lab is made.*\nRecovery code, shown only now: RECOVERY-1234\n/,
  ],
  [
    'cluster show',
    'cluster',
    /^Name +office\nId +a{64}\nRoles here +admin, submit, work\nHead +anna\nTerm +1\n$/,
  ],
  [
    'cluster invite',
    'invite',
    /Words +apple river seven\nRoles +work\nWorks until .*\n\n.*\n {2}muster cluster join MUSTER-INVITE-1\n$/,
  ],
  ['cluster join MUSTER-INVITE-1', 'join', /joined office and may work\.\n.*apple river seven\n$/],
  [
    'cluster members',
    'members',
    /^NAME +STATE +ROLES +LAST HEARD +VERSION +PEER\nanna \(head\) .*peer-anna\nben .*peer-ben\n$/,
  ],
  ['cluster remove ben', 'removeMember', /^ben is no longer a member\.\n$/],
  ['cluster add-address /ip4/192.0.2.9/tcp/1', 'addAddress', /^\/ip4\/192.0.2.9\/tcp\/1 answers/],
  [
    'model register m.onnx --name mnist',
    'registerModel',
    /^Registered mnist:1 \(43\.2 kB, opset 17\)\.\n$/,
  ],
  ['model list', 'models', /^MODEL +SIZE +PARAMETERS.*\nmnist:2 +43\.2 kB +10,000 +17 .*\nmnist:1/],
  [
    'model show mnist:2',
    'model',
    /^Model +mnist:2\nInput +input: float32 \[batch, 1, 28, 28\]\nOutput/,
  ],
  [
    'datastore register scans --path scans',
    'registerDatastore',
    /^scans is \S+scans \(anna\)\.\n$/,
  ],
  [
    'datastore register scans --path . --share office',
    'registerDatastore',
    /^scans is \. \(share office\)\.\n$/,
  ],
  [
    'datastore list',
    'datastores',
    /^DATASTORE +KIND +ON +PATH +DESCRIPTION\ndefault +folder +anna +\/home\/datastore\n$/,
  ],
  [
    'datastore show scans',
    'datastore',
    /^Datastore +scans\nVersion +1\nMachine +anna\nPath +\/data\/scans\nRegistered +.* by anna\n$/,
  ],
  [
    'datastore remove scans',
    'removeDatastore',
    /^scans is no longer a datastore; its files stay\.\n$/,
  ],
  [
    'dataset register july --path 2026/july --datastore scans --table --pattern *.csv',
    'registerDataset',
    /^Registered july:1 \(tables \*\.csv\)\.\n$/,
  ],
  [
    'dataset list',
    'datasets',
    /^DATASET +TYPE +IN +FILES .*\njuly:2 +file +datastore scans: july +\*\.png .*\njuly:1/,
  ],
  [
    'dataset show july:1',
    'dataset',
    /^Dataset +july:1\nType +file\nIn +datastore scans: july\nFiles +\*\.png\nRegistered/,
  ],
  ['job check digits.yml', 'checkFile', /^Nothing is wrong with digits\.yml: one step\.\n$/],
  [
    'job try digits.yml',
    'tryJob',
    /^Warning: "compute" .*\nITEM +ROW\na\.png +\{"digit":3\}\nb\.png +\{"digit":4\}\nTook 12 ms; nothing was recorded\.\n$/,
  ],
  ['dataset preview july', 'previewData', /^FILE +SIZE +CHANGED\na\.png +1\.0 kB .*\n$/],
  [
    'dataset preview sales --datastore scans --table',
    'previewData',
    /^RECORD +shop +sold\na\.csv#1 +north +3\na\.csv#2 +\(has 3 fields\)\n\.\.\.\n$/,
  ],
  [
    'job submit digits.yml',
    'submitJob',
    /^Submitted digits as job 01JOB\d+\.\nFollow it with `muster job watch 01JOB/,
  ],
  [
    'job list',
    'jobs',
    /^JOB +NAME +EXPERIMENT +PIPELINE +STATE +SUBMITTED +BY +PROGRESS\n01JOB7 +digits +Queued +\S+ \S+ +anna +0 \/ 25\n$/,
  ],
  [
    'job show 01JOB7',
    'job',
    /^Job +01JOB7\nName +digits\nState +Queued\n[^]*\nMACHINE +MINI-BATCHES +ITEMS +SHARE\nben +2 +20 +80 %\n$/,
  ],
  [
    'job resubmit 01JOB7 --set mini_batch_size=5',
    'resubmitJob',
    /^Submitted digits anew as job 01JOB/,
  ],
  [
    'job submit digits.yml --param size=3 --regenerate',
    'submitPipeline',
    /^Submitted shelf-photos as pipeline run 01k9\w+\.\nFollow it with `muster pipeline watch 01k9/,
  ],
  [
    'job resubmit 01k9z3 --param size=3',
    'resubmitPipeline',
    /^Submitted shelf-photos as pipeline run 01k9/,
  ],
  [
    'job retry-failed 01JOB7',
    'retryFailed',
    /^Submitted 7 items of \S+ again as job job-again\.\n1 mini-batch run again whole, .*\nFollow/,
  ],
  [
    'pipeline list',
    'pipelines',
    /^PIPELINE +NAME +EXPERIMENT .*\n01k9\w+ +shelf-photos +shelves +Running +1 \/ 2 .* season=autumn, size=4\n$/,
  ],
  [
    'pipeline show 01k9',
    'pipeline',
    /^Pipeline +01k9\w+\n[^]*STEP +STATE +JOB[^]*\nfind +Completed +job-find [^]*\nsort +NotStarted [^]*It waits\.\n$/,
  ],
  ['pipeline cancel 01k9', 'cancelPipeline', /^The pipeline run shelf-photos .* is being canceled/],
  [
    'pipeline pause 01k9',
    'pausePipeline',
    /^The pipeline run shelf-photos \(01k9\w+\) is paused\.\n$/,
  ],
  [
    'pipeline resume 01k9',
    'resumePipeline',
    /^The pipeline run shelf-photos \(01k9\w+\) goes on\.\n$/,
  ],
  ['experiment list', 'experiments', /^EXPERIMENT +RUNS [^]*\nshelves +3 +1 +1 +1 /],
  ['experiment show shelves', 'pipelines', /shelf-photos/],
  [
    'experiment compare shelves other',
    'compareExperiments',
    /RUN +a +b\n[^]* items +10 +10\n[^]*\n\* +parameters.size +4 +8\n +device +auto +auto\n$/,
  ],
  [
    'schedule list',
    'schedules',
    /^SCHEDULE +WHEN[^]*\nnightly +0 6 \* \* \* .* anna +\S+ \S+: the agent did not run\n$/,
  ],
  [
    'schedule pause nightly',
    'pauseSchedule',
    /^The schedule of nightly is paused; runs that have begun go on\.\n$/,
  ],
  ['schedule resume nightly', 'resumeSchedule', /^The schedule of nightly goes on\.\n$/],
  ['schedule remove nightly', 'removeSchedule', /^The schedule has ended/],
  [
    'job forget 01JOB7',
    'forgetJob',
    /^The job digits \(01JOB7\) is forgotten: .*\nFiles in \/data\/chosen stay, .*\nRows of it stay in 1 other job, .*\n {2}muster job forget 01K9Z5 +# digits-again\nFiles that were exported stay/,
  ],
  ['job pause 01JOB7', 'pauseJob', /^The job digits \(01JOB7\) is paused\.\n$/],
  ['job resume 01JOB7', 'resumeJob', /^The job digits \(01JOB7\) goes on\.\n$/],
  [
    'pool create gpu --gpu --min 1 --memory 8GB --tag tall --machine ada --machine bo',
    'createPool',
    /^The pool gpu has 1 of 2 machines that can work now\.\n$/,
  ],
  [
    'pool list',
    'pools',
    /^POOL +STATE +CAN WORK +TARGET +MIN +MAX +MACHINES WITH .*\ngpu +Resizing +1 +2 +1 +all +name ada or bo, tag tall, a GPU, 8GB of memory/,
  ],
  [
    'pool show gpu',
    'pool',
    /^Pool +gpu\nState +Resizing\nMachines +1 of 2 machines that can work now\n[^]*\ndora: It does not answer/,
  ],
  ['pool remove gpu', 'removePool', /^The pool gpu is removed\.\n$/],
  ['job cancel 01JOB7', 'cancelJob', /^The job digits \(01JOB7\) is being canceled/],
  [
    'job results 01JOB7',
    'results',
    /^ITEM +label +score +MACHINE +ATTEMPT +FAILURE\n0000.png +0 +0\.5 +ben +1\n/,
  ],
  [
    'job explain 01JOB7',
    'explain',
    /^The job runs on 2 machines\.\nMini-batch 2 waits for a free slot\.\n$/,
  ],
  ['ui --print', 'signInCode', /^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{22}\n$/],
]

describe('every command', () => {
  test.each(commands)('%s says it to people', async (line, _, text) => {
    const { code, stdout, stderr } = await muster(line)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(text)
    expect(stdout).not.toContain('\u001b')
  })

  test.each(commands)(
    '%s --json is the answer of the API, one document in one line',
    async (line, name) => {
      const { code, stdout, stderr } = await muster(`${line} --json`)
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^[^\n]+\n$/)
      expect(api[name].answer.safeParse(JSON.parse(stdout)).error).toBeUndefined()
    },
  )

  test('options arrive at the agent as they were given', async () => {
    await muster('cluster invite --roles work,submit --expires 2h')
    expect(fixture.seen.at(-1)?.body).toEqual({
      roles: ['work', 'submit'],
      expiresInSeconds: 7_200,
    })
    await muster('model register m.onnx --name mnist --description digits --tag a=1 --tag b=x=y')
    expect(fixture.seen.at(-1)?.body).toEqual({
      path: join(folder, 'm.onnx'),
      name: 'mnist',
      description: 'digits',
      tags: { a: '1', b: 'x=y' },
    })
    await muster(
      'dataset register t --path t --table --pattern a/*.csv --pattern !a/b.csv --option delimiter=; --option header=false --validate',
    )
    expect(fixture.seen.at(-1)?.body).toEqual({
      name: 't',
      type: 'table',
      path: join(folder, 't'),
      patterns: ['a/*.csv', '!a/b.csv'],
      options: { delimiter: ';', header: false },
      validate: true,
    })
    await muster(
      'job submit digits.yml --set mini_batch_size=100 --set name="7" --set tags.a=b --set in_place=false',
    )
    expect(fixture.seen.at(-1)?.body).toEqual({
      text: 'name: digits\nmini_batch_size: 10\n',
      file: join(folder, 'digits.yml'),
      submissionId: expect.stringMatching(/^[\da-f-]{36}$/),
      overrides: { mini_batch_size: 100, name: '7', 'tags.a': 'b', in_place: false },
    })
    await muster('job explain 01JOB7 --mini-batch 3')
    expect(fixture.seen.at(-1)?.query).toEqual({ job: '01JOB7', miniBatch: 3 })
    await muster('job list --limit 3')
    expect(fixture.seen.at(-1)?.query).toEqual({ limit: 3 })
  })

  test('text from elsewhere cannot steer the terminal', async () => {
    fixture.changeJob('01JOB8', { name: 'evil\u001b[2Jname\nforged', reason: '\u202eabc' })
    const { stdout } = await muster('job list')
    expect(stdout).toContain('evil\ufffd[2Jname\ufffdforged')
    const shown = (await muster('job show 01JOB8')).stdout
    for (const mark of ['\u001b', '\u202e']) expect(shown).not.toContain(mark)
  })

  test('empty lists say what to do first', async () => {
    fixture.jobs.clear()
    expect((await muster('job list')).stdout).toBe(
      'No jobs yet; submit one with `muster job submit FILE`.\n',
    )
  })

  test.skipIf(process.platform !== 'linux')(
    'ui opens the one-time address in the browser',
    async () => {
      const bin = join(folder, 'bin')
      await mkdir(bin)
      const opened = join(folder, 'opened')
      await writeFile(
        join(bin, 'xdg-open'),
        `#!/bin/sh\nprintf %s "$1" > ${opened}.part && mv ${opened}.part ${opened}\n`,
        { mode: 0o755 },
      )
      const { code, stdout } = await muster('ui', {
        env: { PATH: [bin, '/usr/bin', '/bin'].join(delimiter) },
      })
      expect(code).toBe(0)
      await expect.poll(() => readFile(opened, 'utf8').catch(() => '')).toBe(stdout.trim())
      const nowhere = await muster('ui', { env: { PATH: join(folder, 'none') } })
      expect(nowhere.stderr).toMatch(/^No browser could be opened here/)
      expect([nowhere.code, nowhere.stdout]).toEqual([0, expect.stringMatching(/#code=/)])
    },
  )
})

describe('errors', () => {
  /** Command line, exit code, words on stderr. */
  test.each([
    ['job show nope', 5, /^No job starts with nope; `muster job list` shows them\.\n$/],
    ['model show nope', 5, /^No model is called nope/],
    ['datastore show nope', 5, /^No datastore "nope" is registered; there are scans\.\n$/],
    ['dataset show nope', 5, /^No dataset "nope" is registered/],
    ['datastore register taken --path .', 4, /^The datastore "taken" is \/old on anna already/],
    ['datastore register scans', 2, /^Required option '--path <folder>' not specified/],
    ['cluster remove nobody', 5, /^No member is called nobody/],
    ['cluster join OLD', 4, /^The invitation has expired; ask for a new one\.\n$/],
    ['cluster create taken', 4, /^This agent belongs to the cluster office already/],
    ['cluster add-address nowhere', 4, /^Nobody answers at nowhere/],
    ['model register m.txt --name m', 4, /is no ONNX model; choose/],
    [
      'job submit wrong.yml',
      4,
      /^wrong\.yml:3:1: The field mini_bach_size is unknown; did you mean mini_batch_size\?\n$/,
    ],
    ['job submit none.yml', 4, /^The job file \S+none\.yml cannot be read; check/],
    [`cluster create ${'x'.repeat(65)}`, 4, /^The field `name` of the request is not valid/],
    [
      'job results 01JOB7 --output rows',
      4,
      /^Files are written as csv, tsv, jsonl, parquet, txt; choose with --format/,
    ],
    ['job results 01JOB7 --format parquet', 4, /^A Parquet file cannot be printed; give its name/],
    [
      'job results 01JOB7 --details --format tsv',
      4,
      /^With --details or --only rows are given as csv or jsonl/,
    ],
    [
      'job results 01JOB7 --details --output none/rows.csv',
      4,
      /^The file \S+rows\.csv cannot be written \(ENOENT\)/,
    ],
    ['job', 2, /^Usage: muster job/],
    [
      'job shwo',
      2,
      /^Unknown command 'shwo' \(did you mean show\?\); `muster job --help` shows what there is\.\n$/,
    ],
    ['help shwo', 2, /^Unknown command 'shwo'; `muster --help` shows what there is\.\n$/],
    ['experiment show nope', 5, /^There is no experiment "nope"; `muster experiment list` shows/],
    ['script skeleton wrong.ts', 4, /wrong\.ts is no Python script: a job takes it as it is/],
    ['job show', 2, /^Missing required argument 'job'; /],
    ['job show a b', 2, /^Too many arguments for 'show'/],
    [
      'job list --limit 0',
      2,
      /^Option '--limit <n>' argument '0' is invalid: It must be a whole number from 1 to 1000; /,
    ],
    ['cluster invite --expires 3w', 2, /It must be a time from 1s to 1d/],
    ['cluster invite --roles boss', 2, /Roles are work, submit, admin/],
    ['model register m.onnx', 2, /^Required option '--name <name>' not specified/],
    ['job submit digits.yml --set name', 2, /It must look like key=value/],
    ['peers --jsno', 2, /^Unknown option '--jsno' \(did you mean --json\?\); /],
  ])('%s ends with %i and one sentence', async (line, expected, words) => {
    const { code, stdout, stderr } = await muster(line)
    expect(stderr).toMatch(words)
    expect([code, stdout]).toEqual([expected, ''])
  })

  test('with --json are an errorView on stderr', async () => {
    const { code, stdout, stderr } = await muster('job submit wrong.yml --json')
    expect([code, stdout]).toEqual([4, ''])
    const { error } = JSON.parse(stderr)
    expect(errorView.parse(error)).toEqual({
      code: 'JobFileInvalid',
      message: 'The field mini_bach_size is unknown; did you mean mini_batch_size?',
      retryable: false,
      position: { file: join(folder, 'wrong.yml'), line: 3, column: 1 },
    })
    const both = await muster('job results 01JOB7 --json --format csv')
    expect(JSON.parse(both.stderr).error.message).toMatch(/^--format and --json do not go together/)
    const usage = await muster('job show --json')
    expect(usage.code).toBe(2)
    expect(errorView.parse(JSON.parse(usage.stderr).error).code).toBe('RequestInvalid')
    const half = await muster('--json job')
    expect([half.code, half.stdout]).toEqual([2, ''])
    expect(JSON.parse(half.stderr).error.message).toBe(
      'One of its commands must follow `muster job`; `muster job --help` shows what there is.',
    )
  })

  test.skipIf(process.platform !== 'linux')(
    'a disk that is full behind `>` is told, a reader that left is not',
    async () => {
      const main = join(repository, 'node-agent/cli/main.ts')
      const shell = async (line: string) => {
        const env = {
          ...process.env,
          MUSTER_HOME: fixture.home,
          muster: `${process.execPath} ${main}`,
        }
        const child = spawn('bash', ['-c', line], { env, stdio: ['ignore', 'pipe', 'pipe'] })
        const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
        return [stdout, stderr]
      }
      expect(await shell('$muster peers > /dev/full; echo $?')).toEqual([
        '6\n',
        'What was to be printed could not be written (ENOSPC), so it is not whole; make room or choose another place, and try again.\n',
      ])
      expect(await shell('$muster job show nope 2> /dev/full; echo $?')).toEqual(['5\n', ''])
      expect(await shell('$muster peers | true; echo ${PIPESTATUS[0]}')).toEqual(['0\n', ''])
    },
  )

  test('a defect of the agent ends with 6 and without its words', async () => {
    await using own = await startControlFixture({
      handlers: {
        peers: async () => {
          throw new Error('secret')
        },
      },
    })
    const { code, stderr } = await muster('peers', { home: own.home })
    expect(code).toBe(6)
    expect(stderr).toBe('The agent failed at `peers`; its log says more, please report it.\n')
  })
})

describe('no agent', () => {
  const sentence = (home: string): string =>
    `No agent runs in the home ${home}; start it with \`muster agent --home ${home}\` and try again.\n`

  test('in a home without one', async () => {
    const home = join(folder, 'no-home')
    const { code, stderr } = await muster('peers', { home })
    expect([code, stderr]).toEqual([3, sentence(home)])
    const json = await muster('job watch x --json', { home })
    expect(json.code).toBe(3)
    expect(JSON.parse(json.stderr).error).toMatchObject({
      code: 'AgentNotRunning',
      retryable: true,
    })
  })

  test.each([
    ['its process is gone', { pid: 2 ** 22 + 1 }],
    ['its port is closed', { webAddress: 'http://127.0.0.1:1' }],
    ['another agent has its port', { token: 'other' }],
  ])('with a control.json left over: %s', async (_, change) => {
    const home = await mkdtemp(join(folder, 'stale-'))
    const { server } = fixture
    const file = {
      webAddress: server.webAddress,
      token: server.token,
      pid: process.pid,
      peer: 'p',
      ...change,
    }
    await writeFile(join(home, 'control.json'), JSON.stringify(file))
    const { code, stderr } = await muster('peers', { home })
    expect([code, stderr]).toEqual([3, sentence(home)])
    if ('pid' in change) expect(fixture.seen).toEqual([])
  })

  test('with a control.json that is broken', async () => {
    const home = await mkdtemp(join(folder, 'broken-'))
    await writeFile(join(home, 'control.json'), '{"webAddr')
    expect((await muster('peers', { home })).stderr).toBe(sentence(home))
  })

  test('--home wins over MUSTER_HOME, before and after the command', async () => {
    const elsewhere = join(folder, 'elsewhere')
    const after = await runMuster(['peers', '--home', fixture.home, '--json'], { home: elsewhere })
    const before = await runMuster(['--json', '--home', fixture.home, 'cluster', 'show'], {
      home: elsewhere,
    })
    expect([after.code, before.code]).toEqual([0, 0])
    expect((await runMuster(['peers'], { home: elsewhere })).stderr).toBe(sentence(elsewhere))
  })
})
