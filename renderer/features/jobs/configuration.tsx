import type { JobDetailView } from '../../../protocol/control/job-views.ts'
import { CopyAction } from '../../ui/copy-line.tsx'
import './jobs.css'

/** The job as submitted, with every default filled in: one line a field. */
export const Configuration = (props: { readonly detail: JobDetailView | undefined }) => {
  const { detail } = props
  if (detail === undefined) return <p className="muted">Asking for the configuration …</p>
  return (
    <div className="panel scroll-panel" tabIndex={0} role="region" aria-label="Configuration">
      <div className="configuration-head">
        <span className="muted">Job</span>
        <code className="mono">{detail.id}</code>
        <CopyAction text={detail.id} what="job id" />
        <span className="configuration-copy muted">
          As JSON
          <CopyAction text={JSON.stringify(detail.spec, undefined, 2)} what="configuration" />
        </span>
      </div>
      <dl className="configuration">
        {specLines(detail.spec).map(({ path, value }) => (
          <div key={path}>
            <dt className="mono">{path}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

interface SpecLine {
  readonly path: string
  readonly value: string
}

/**
 * `{preprocess: {width: 28}}` becomes `preprocess.width  28`; things in a list go by their names, if they have
 * one: `inputs.digits.root`.
 */
const specLines = (value: unknown, path = ''): readonly SpecLine[] => {
  if (value === null || typeof value !== 'object') return [{ path, value: String(value) }]
  if (Array.isArray(value) && value.some(isMap))
    return value.flatMap((each, at) =>
      specLines(
        each,
        `${path}.${isMap(each) && typeof each['name'] === 'string' ? each['name'] : at}`,
      ),
    )
  if (Array.isArray(value)) return [{ path, value: value.length === 0 ? '–' : listText(value) }]
  const entries = Object.entries(value)
  if (entries.length === 0) return [{ path, value: '–' }]
  return entries.flatMap(([key, inner]) => specLines(inner, path === '' ? key : `${path}.${key}`))
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listText = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ')
