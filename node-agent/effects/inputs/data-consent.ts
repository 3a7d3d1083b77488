import type { Views } from '#agent/ports/views.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Job } from '#protocol/model/job.ts'

/**
 * Why this machine lists nothing for a job that another one submitted; undefined if it does. Only folders that
 * were registered here, as a datastore or a dataset, are open to others: a job cannot ask for the rest.
 */
export const refusalOfData = async (
  {
    self,
    views,
  }: { readonly self: PeerId; readonly views: Pick<Views, 'datastores' | 'datasets'> },
  { submitter, spec }: Job,
): Promise<string | undefined> => {
  if (submitter === self) return undefined
  const [datastores, datasets] = await Promise.all([views.datastores(), views.datasets()])
  const open = [
    ...datastores.map(({ place, registeredBy }) => ({ place, registeredBy })),
    ...datasets.map(({ source, registeredBy }) => ({ place: source, registeredBy })),
  ].flatMap(({ place, registeredBy }) =>
    place.kind === 'folder' && place.peer === self && registeredBy === self ? [place.path] : [],
  )
  const closed = spec.inputs.find(
    ({ root, share }) => share !== undefined || !open.some((folder) => isBelow(folder, root)),
  )
  return closed === undefined
    ? undefined
    : `${closed.root === '' ? 'A share' : closed.root} is not open to jobs of other machines: register it there as a datastore, with \`muster datastore register NAME --path FOLDER\`.`
}

/** Whether a path is a folder or lies in it, by its words alone; one that could lead out of it does not. */
const isBelow = (folder: string, path: string): boolean => {
  const slashes = /[\\/]/
  if (path.split(slashes).some((part) => part === '..' || part === '.')) return false
  const start = folder.replace(/[\\/]+$/, '')
  return path === folder || (path.startsWith(start) && slashes.test(path.charAt(start.length)))
}
