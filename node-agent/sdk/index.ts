/** Everything a program that uses Muster may import. */
export { MusterFailure } from '#protocol/errors.ts'
export type { MusterError } from '#protocol/errors.ts'
export { Model } from './model.ts'
export type { RegisterModel } from './model.ts'
export { Workspace } from './workspace.ts'
export type { WorkspaceConfig } from './workspace.ts'
