import { basename, dirname, join } from 'node:path'

/** Path of `name` in the folder that holds `path`. */
export const beside = (path: string, name: string): string => join(dirname(path), name)

/** Last part of a path. */
export const baseName = (path: string): string => basename(path)

/** The folder that holds `path`. */
export const folderOf = (path: string): string => dirname(path)
