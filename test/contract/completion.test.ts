import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../tools/agents.ts'
import { startControlFixture } from '#test/support/control-fixture.ts'
import type { ControlFixture } from '#test/support/control-fixture.ts'
import { runMuster } from '#test/support/run-cli.ts'

/** Not in step with this process: the agent that is asked lives in it. */
const run = promisify(execFile)

let fixture: ControlFixture
let folder: string
let script: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-completion-'))
  fixture = await startControlFixture()
  fixture.changeJob('01JOB7', { name: 'digits' })
  script = (await runMuster(['completion', 'bash'])).stdout
})
afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** What bash offers behind these words, with `muster` being this function's body. */
const complete = async (words: readonly string[], body: string): Promise<readonly string[]> => {
  const file = join(folder, 'probe.bash')
  const list = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const call = `COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _muster`
  await writeFile(
    file,
    `${script}\nmuster() { ${body}; }\n${call}\nprintf '%s\\n' "\${COMPREPLY[@]}"`,
  )
  const env = { ...process.env, LC_ALL: 'C.UTF-8', MUSTER_HOME: fixture.home }
  const { stdout, stderr } = await run('bash', [file], { env, cwd: folder })
  expect(stderr).toBe('')
  return stdout.trimEnd().split('\n')
}

const real = `'${process.execPath}' '${join(repository, 'node-agent/cli/main.ts')}' "$@"`

describe.skipIf(process.platform === 'win32')('bash completes', () => {
  test('ids and names that the agent of the home knows, and nothing without one', async () => {
    expect(await complete(['muster', 'job', 'show', '01J'], real)).toEqual(['01JOB7'])
    expect(await complete(['muster', 'datastore', 'show', ''], real)).toEqual(['default'])
    expect(await complete(['muster', 'job', 'logs', 'X', '--peer', 'b'], real)).toEqual(['ben'])
    const nowhere = join(folder, 'nowhere')
    const asked = ['muster', '--home', nowhere, 'job', 'show', '']
    expect(await complete(asked, real)).toEqual([''])
    expect(existsSync(nowhere)).toBe(false)
  })

  test('names of other machines without running what stands in them', async () => {
    const names = [
      '$(touch ran)',
      '`touch ran`',
      'a b',
      "it's",
      'mnist',
      'mnist:1',
      'büro-日本',
      '-x',
    ]
    await writeFile(join(folder, 'names'), names.map((name) => `${name}\tabout\n`).join(''))
    const offered = (...words: string[]) =>
      complete(['muster', ...words], 'printf "%s " "$@" > asked; cat names')
    const all = await offered('model', 'show', '')
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('names models ')
    const line = `printf '%s\\n' ${all.join(' ')}`
    const { stdout } = await run('bash', ['-c', line], { cwd: folder })
    expect(stdout.trimEnd().split('\n')).toEqual(names)
    expect(existsSync(join(folder, 'ran'))).toBe(false)
    // Bash cuts words at colons and equal signs, and wants only what comes behind them.
    expect(await offered('model', 'show', 'mnist', ':')).toEqual(['1'])
    expect(await offered('model', 'show', 'mnist', ':', '1')).toEqual(['1'])
    expect(await offered('model', 'show', 'a\\ ')).toEqual(['a\\ b'])
    expect(await offered('model', 'show', '"a')).toEqual(['"a b'])
    expect(await offered('job', 'list', '--home', '=', '/tmp/x', 'y')).toEqual([''])
    await offered('--home', '=', '/tmp/x', 'job', 'show', '')
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('--home /tmp/x names jobs ')
  })

  test('values behind an equal sign, and commands behind help', async () => {
    const none = (...words: string[]) => complete(['muster', ...words], 'true')
    expect(await none('job', 'results', 'X', '--format', '=')).toContain('csv')
    expect(await none('job', 'results', 'X', '--format', '=', 'c')).toEqual(['csv'])
    expect(await none('help', 'sto')).toEqual(['stop', 'store'])
    // The second argument of a command that has one is nothing that we know.
    expect(await none('job', 'show', 'X', '')).toEqual([''])
  })
})

test('muster names says what each is to people, and what there is to programs', async () => {
  const { home } = fixture
  expect((await runMuster(['names', 'jobs'], { home })).stdout).toMatch(/^01JOB7\tdigits, \w+\n/)
  const json = await runMuster(['names', 'peers', '--json'], { home })
  expect(JSON.parse(json.stdout)).toEqual({ kind: 'peers', names: ['anna', 'ben'] })
  expect((await runMuster(['names', 'cats'], { home })).code).toBe(2)
})
