import { resolve } from 'node:path'
import type { DatastoreView } from '#protocol/control/registry-views.ts'
import type { DataPath } from './data-path.ts'
import type { Workspace } from './workspace.ts'

export interface RegisterDatastore {
  readonly name: string
  /** `folder`: of the agent's machine, streamed to others. `share`: a place that every machine can open. */
  readonly kind: 'folder' | 'share'
  /** The folder, or the place below the share. */
  readonly path: string
  /** Name of the share, by which owners have mapped it; only for `share`. */
  readonly share?: string
  /** Without it a taken name is an error. */
  readonly overwrite?: boolean
  readonly description?: string
  readonly tags?: Readonly<Record<string, string>>
}

/** A named place where data lies. Registering moves nothing. */
export class Datastore {
  readonly workspace: Workspace
  readonly view: DatastoreView

  private constructor(workspace: Workspace, view: DatastoreView) {
    this.workspace = workspace
    this.view = view
  }

  get name(): string {
    return this.view.name
  }

  static async register(workspace: Workspace, wish: RegisterDatastore): Promise<Datastore> {
    const { name, kind, path, share, overwrite, description, tags } = wish
    const view = await workspace.connection.call('registerDatastore', {
      body: {
        name,
        path: kind === 'folder' ? resolve(path) : path,
        ...(kind === 'share' ? { share: share ?? name } : {}),
        ...(overwrite === undefined ? {} : { overwrite }),
        ...(description === undefined ? {} : { description }),
        ...(tags === undefined ? {} : { tags: { ...tags } }),
      },
    })
    return new Datastore(workspace, view)
  }

  /** @throws MusterFailure `NotFound` */
  static async get(workspace: Workspace, name: string): Promise<Datastore> {
    const query = { datastore: name }
    return new Datastore(workspace, await workspace.connection.call('datastore', { query }))
  }

  /** The one that is always there, in the home of the agent. */
  static getDefault(workspace: Workspace): Promise<Datastore> {
    return Datastore.get(workspace, 'default')
  }

  /** A folder, a file or a glob below it. */
  path(path: string): DataPath {
    return { datastore: this.name, path }
  }
}
