import { resolve } from 'node:path'
import type { DatastoreView } from '#protocol/control/registry-views.ts'
import type { DataPath } from './data-path.ts'
import { checkInstance, checkOptions } from './check-options.ts'
import type { OptionTable } from './check-options.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

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

const optionTable: OptionTable<RegisterDatastore> = {
  name: 'needed',
  kind: 'needed',
  path: 'needed',
  share: 'may',
  overwrite: 'may',
  description: 'may',
  tags: 'may',
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
    checkInstance("A Datastore's workspace", workspace, Workspace, mustBeWorkspace)
    checkOptions('Datastore.register', wish, optionTable)
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

  static async list(workspace: Workspace): Promise<readonly Datastore[]> {
    const { datastores } = await workspace.connection.call('datastores')
    return datastores.map((view) => new Datastore(workspace, view))
  }

  /** @throws MusterFailure `DataUnknown` */
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
