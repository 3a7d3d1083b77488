/** Where Azure ML's `path` of data says it lies, in words of this cluster. */
export type AzurePlace =
  /** A local path, relative to the file. */
  | { readonly kind: 'path'; readonly path: string }
  /** `azureml:NAME:VERSION` or `azureml:NAME@latest`: a registered dataset or model. */
  | { readonly kind: 'registered'; readonly name: string; readonly version?: number }
  /** `azureml://datastores/NAME/paths/PATH`; an empty name is the default one. */
  | { readonly kind: 'datastore'; readonly datastore: string; readonly path: string }
  | { readonly kind: 'refused'; readonly why: string }

const assetForm = /^azureml:([^:@/\\]+)(?::([^@]+)|@(.+))?$/
const datastoreForm =
  /^azureml:\/\/(?:subscriptions\/[^/]+\/resource[gG]roups\/[^/]+\/(?:providers\/[^/]+\/)?workspaces\/[^/]+\/)?datastores\/([^/]*)\/paths\/(.*)$/
/** A registered dataset or model by its whole name, of a workspace or a registry. */
const longForm =
  /^azureml:\/\/(?:registries|locations|subscriptions)\/.*\/(?:models|data)\/([^/]+)\/(?:versions\/([^/]+)|labels\/([^/]+))$/

/** Reads a path in which expressions were already replaced; `${{default_datastore}}` by nothing. */
export const readPlace = (written: string): AzurePlace => {
  const text = written.trim()
  const [, store, path] = datastoreForm.exec(text) ?? []
  if (store !== undefined && path !== undefined)
    return { kind: 'datastore', datastore: store, path: withoutSlashes(path) }
  const [, asset, assetVersion, assetLabel] = longForm.exec(text) ?? []
  if (asset !== undefined) return registered(asset, assetVersion, assetLabel)
  const [, name, version, label] = assetForm.exec(text) ?? []
  if (name !== undefined) return registered(name, version, label)
  // A letter of a drive follows three slashes, where other paths keep the third.
  const [, local] = /^file:(?:\/\/(?:\/(?=[A-Za-z]:))?)?(.+)$/i.exec(text) ?? []
  if (local !== undefined) return { kind: 'path', path: local }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text))
    return {
      kind: 'refused',
      why: 'lies outside the cluster: copy it to a folder of a machine, and give that or a datastore',
    }
  return { kind: 'path', path: text }
}

const registered = (
  name: string,
  version: string | undefined,
  label: string | undefined,
): AzurePlace => {
  if (label !== undefined && label !== 'latest')
    return { kind: 'refused', why: `has the label "${label}": give a version, or latest` }
  if (version === undefined || version === 'latest') return { kind: 'registered', name }
  if (!/^[1-9]\d{0,8}$/.test(version))
    return { kind: 'refused', why: `has the version "${version}": versions are whole numbers here` }
  return { kind: 'registered', name, version: Number(version) }
}

const withoutSlashes = (path: string): string => path.replace(/^\/+|\/+$/g, '')

/** `azureml:NAME` of a compute, or its whole name, as the name of a pool; undefined for `local`, which is no pool. */
export const poolOf = (compute: string): string | undefined => {
  const name = compute
    .trim()
    .replace(/^azureml:/, '')
    .replace(/^\/.*\/computes\//i, '')
  return name === 'local' || name === '' ? undefined : name
}

/** A file's folder and the pattern that means just this file. */
export const fileAsPattern = (
  path: string,
): { readonly path: string; readonly pattern: string } => {
  const at = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  const folder = at < 0 ? '.' : at === 0 ? '/' : path.slice(0, at)
  return { path: folder, pattern: literalPattern(path.slice(at + 1)) }
}

/** A leading ! would take files away, and stands in no brackets. */
const literalPattern = (name: string): string =>
  name.replaceAll(/[*?[\]{}()]/g, '[$&]').replace(/^!/, '?')
