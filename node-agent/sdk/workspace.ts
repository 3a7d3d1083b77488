import { readFile, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import process from 'node:process'
import envPaths from 'env-paths'
import { z } from 'zod'
import type { AgentView, ClusterView } from '#protocol/control/views.ts'
import { musterError, MusterFailure } from '#protocol/errors.ts'
import { connectAddress, connectHome } from './connection.ts'
import type { Connection } from './connection.ts'

/** What a thing must be given that takes a workspace. */
export const mustBeWorkspace = 'a Workspace, from `await Workspace.fromConfig()`'

export const configName = 'muster.json'
const hiddenFolder = '.muster'

const workspaceConfig = z.union([
  z.strictObject({ home: z.string().min(1) }),
  z.strictObject({ address: z.url(), token: z.string().min(1) }),
])

/** What `muster.json` holds: the home of an agent on this machine, or an agent's address and token. */
export type WorkspaceConfig = z.input<typeof workspaceConfig>

/** The door to one agent and through it to its cluster. Everything else of the SDK starts from one. */
export class Workspace {
  /** For the other parts of the SDK. */
  readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  /**
   * Finds `muster.json` in the folder given (default: the current one), in its `.muster/`, then in each
   * parent. Without one, and without a folder given, the agent of this account is used.
   * @throws MusterFailure `NotFound` that names every folder searched, `RequestInvalid` for a broken file
   */
  static async fromConfig(path?: string): Promise<Workspace> {
    const start = resolve(path ?? process.cwd())
    const searched: string[] = []
    for (const folder of upwards(start)) {
      for (const place of [folder, join(folder, hiddenFolder)]) {
        searched.push(place)
        const file = join(place, configName)
        const text = await readFile(file, 'utf8').catch(() => undefined)
        if (text !== undefined) return Workspace.fromText(text, file)
      }
    }
    if (path === undefined) return Workspace.local()
    throw new MusterFailure(
      musterError(
        'NotFound',
        `There is no ${configName} for this workspace; write one with workspace.writeConfig(), or call Workspace.local(). Searched: ${searched.join(', ')}.`,
      ),
    )
  }

  /** The agent of this account, or the one of the home given. */
  static local(home?: string): Workspace {
    const chosen = home ?? process.env['MUSTER_HOME'] ?? ''
    return new Workspace(
      connectHome(chosen === '' ? envPaths('muster', { suffix: '' }).data : resolve(chosen)),
    )
  }

  private static fromText(text: string, file: string): Workspace {
    const parsed = workspaceConfig.safeParse(parseJson(text))
    if (!parsed.success)
      throw new MusterFailure(
        musterError(
          'RequestInvalid',
          `${file} must hold {"home": FOLDER} or {"address": URL, "token": TEXT}; correct it or remove it.`,
          { detail: parsed.error.message },
        ),
      )
    const { data } = parsed
    if ('address' in data) return new Workspace(connectAddress(data.address, data.token))
    const { home } = data
    return Workspace.local(isAbsolute(home) ? home : resolve(dirname(file), home))
  }

  /** Writes a `muster.json` that leads back to this agent's home. Answers its path. */
  async writeConfig(folder: string): Promise<string> {
    const { home } = await this.agent()
    const path = join(resolve(folder), configName)
    await writeFile(path, `${JSON.stringify({ home }, null, 2)}\n`)
    return path
  }

  agent(): Promise<AgentView> {
    return this.connection.call('agent')
  }

  /** The cluster of this agent. @throws MusterFailure `NotInCluster` */
  cluster(): Promise<ClusterView> {
    return this.connection.call('cluster')
  }
}

function* upwards(start: string): Generator<string> {
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder
    if (dirname(folder) === folder) return
  }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
