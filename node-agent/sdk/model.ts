import { resolve } from 'node:path'
import type { ModelView } from '#protocol/control/views.ts'
import { checkInstance, checkOptions } from './check-options.ts'
import { mustBeWorkspace, Workspace } from './workspace.ts'

export interface RegisterModel {
  /** An `.onnx` file, or a folder that holds one with its external data files. */
  readonly modelPath: string
  readonly modelName: string
  readonly tags?: Readonly<Record<string, string>>
  readonly description?: string
}

const optionTable = {
  modelPath: 'needed',
  modelName: 'needed',
  tags: 'may',
  description: 'may',
} as const

/** A registered model: one version of one name. Jobs pin the version when they are submitted. */
export class Model {
  readonly workspace: Workspace
  readonly view: ModelView

  private constructor(workspace: Workspace, view: ModelView) {
    this.workspace = workspace
    this.view = view
  }

  get name(): string {
    return this.view.name
  }

  get version(): number {
    return this.view.version
  }

  /** `name:version`, as job files name it. */
  get reference(): string {
    return `${this.view.name}:${this.view.version}`
  }

  /** Registers the next version of a name. The same bytes again give the version that has them. */
  static async register(workspace: Workspace, wish: RegisterModel): Promise<Model> {
    checkInstance("A Model's workspace", workspace, Workspace, mustBeWorkspace)
    checkOptions<RegisterModel>('Model.register', wish, optionTable)
    const { modelPath, modelName, tags, description } = wish
    const view = await workspace.connection.call('registerModel', {
      body: {
        path: resolve(modelPath),
        name: modelName,
        ...(tags === undefined ? {} : { tags: { ...tags } }),
        ...(description === undefined ? {} : { description }),
      },
    })
    return new Model(workspace, view)
  }

  /** The newest version of a name, or the one asked for. @throws MusterFailure `ModelUnknown` */
  static async get(workspace: Workspace, name: string, version?: number): Promise<Model> {
    const model = version === undefined ? name : `${name}:${version}`
    return new Model(workspace, await workspace.connection.call('model', { query: { model } }))
  }

  static async list(workspace: Workspace): Promise<readonly Model[]> {
    const { models } = await workspace.connection.call('models')
    return models.map((view) => new Model(workspace, view))
  }
}
