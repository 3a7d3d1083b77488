import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limits } from '#protocol/limits.ts'
import { fakeAgentEntry, runMuster, startCli } from '#test/support/run-cli.ts'
import type { RunningCli } from '#test/support/run-cli.ts'

let home: string
let running: RunningCli[]
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'muster-cli-agent-'))
  running = []
})
afterEach(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGKILL')
    await ended
  }
  await rm(home, { recursive: true, force: true })
})

const startAgent = (...args: string[]): RunningCli => {
  const started = startCli(['agent', '--home', home, ...args], { entry: fakeAgentEntry })
  running.push(started)
  return started
}

const controlFile = (): string => join(home, 'control.json')

describe('muster agent', () => {
  test('says in one JSON line that it is ready, and SIGTERM ends it cleanly', async () => {
    const agent = startAgent('--json')
    const ready = JSON.parse(await agent.nextLine())
    const { webAddress } = JSON.parse(await readFile(controlFile(), 'utf8'))
    expect(ready).toEqual({
      event: 'ready',
      webAddress,
      home,
      peer: expect.stringContaining('peer of'),
      pid: agent.child.pid,
    })
    agent.child.kill('SIGTERM')
    const { code, stdout, stderr } = await agent.ended
    expect([code, stderr, stdout.split('\n').length]).toEqual([0, '', 2])
    await expect(stat(controlFile())).rejects.toThrow('ENOENT')
  })

  test('says to people where it is and how to stop it', async () => {
    const agent = startAgent()
    expect(await agent.nextLine()).toMatch(
      /^The agent runs at http:\/\/127\.0\.0\.1:\d+ \(home .*\)\.$/,
    )
    expect(await agent.nextLine()).toMatch(/`muster ui`.*Ctrl-C/)
  })

  test('hands its options on', async () => {
    const given = async (agent: RunningCli) => {
      const { peer } = JSON.parse(await agent.nextLine()) as { peer: string }
      agent.child.kill('SIGTERM')
      await agent.ended
      return JSON.parse(peer.slice('peer of '.length))
    }
    const pageFolder = expect.stringMatching(/dist.renderer$/)
    expect(await given(startAgent('--json'))).toEqual({
      home,
      listenHosts: ['0.0.0.0'],
      port: 0,
      webPort: 0,
      mdns: true,
      inPlace: true,
      scripts: true,
      logLevel: 'info',
      pageFolder,
    })
    const all =
      '--json --listen 192.0.2.7 --listen ::1 --port 7432 --slots 3 --no-mdns --name anna --no-in-place --no-scripts --log-level debug'
    expect(await given(startAgent(...all.split(' ')))).toEqual({
      home,
      listenHosts: ['192.0.2.7', '::1'],
      port: 7_432,
      webPort: 0,
      slots: 3,
      mdns: false,
      name: 'anna',
      inPlace: false,
      scripts: false,
      logLevel: 'debug',
      pageFolder,
    })
  })

  test('a failed start is told in a sentence', async () => {
    const first = startAgent('--json')
    const { webAddress } = JSON.parse(await first.nextLine())
    const { port } = new URL(webAddress)
    const second = await startAgent('--web-port', port).ended
    expect([second.code, second.stdout]).toEqual([4, ''])
    expect(second.stderr).toMatch(
      new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is taken by another program; choose`),
    )
  })

  test('Ctrl-C through the launcher arrives twice and is one wish', async () => {
    const agent = startAgent('--json')
    await agent.nextLine()
    agent.child.kill('SIGINT')
    agent.child.kill('SIGINT')
    expect((await agent.ended).code).toBe(0)
  })

  test('a second signal ends at once what does not end', async () => {
    const agent = startAgent('--json', '--name', 'hangs')
    await agent.nextLine()
    agent.child.kill('SIGINT')
    // The time that tells a second wish from the echo of the first.
    await sleep(limits.signalEchoMs + 100)
    expect(agent.child.exitCode).toBe(null)
    // A busy machine may have heard the first one so late that the next one still counts as its echo.
    while (agent.child.exitCode === null) {
      agent.child.kill('SIGINT')
      await Promise.race([agent.ended, sleep(limits.signalEchoMs + 100)])
    }
    expect((await agent.ended).code).toBe(130)
  })
})

describe('muster stop', () => {
  test('returns when the agent is gone', async () => {
    const agent = startAgent('--json')
    await agent.nextLine()
    const { code, stdout } = await runMuster(['stop', '--home', home])
    expect([code, stdout]).toEqual([0, 'The agent has stopped.\n'])
    expect(() => process.kill(agent.child.pid ?? 0, 0)).toThrow('ESRCH')
    expect((await agent.ended).code).toBe(0)
    expect((await runMuster(['stop', '--home', home])).code).toBe(3)
  })

  test('prints the answer with --json', async () => {
    await startAgent('--json').nextLine()
    const { stdout } = await runMuster(['stop', '--home', home, '--json'])
    expect(stdout).toBe('{"done":true}\n')
  })
})
