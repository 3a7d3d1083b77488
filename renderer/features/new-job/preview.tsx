import type { PreviewView } from '../../../protocol/control/registry-views.ts'
import { inputPictureOf, usePreview } from '../../agent/data-queries.ts'
import { errorText } from '../../agent/queries.ts'
import { formatBytes } from '../../ui/format.ts'
import { Picture } from '../../ui/picture.tsx'
import { Problem } from '../../ui/problem.tsx'
import type { FileFields } from './yaml.ts'
import './new-job.css'

/** The first items of the data that was chosen. */
export const Preview = (props: { readonly input: FileFields }) => {
  const { input } = props
  const preview = usePreview(input)
  if (preview.error !== null)
    return <Problem sentence={errorText(preview.error)} retry={() => void preview.refetch()} />
  if (preview.data === undefined)
    return (
      <p className="muted small" role="status">
        Looking into the data …
      </p>
    )
  const { kind, files, rows } = preview.data
  if ((kind === 'table' ? rows : files).length === 0)
    return <p className="muted small">There is nothing in it that fits.</p>
  return kind === 'table' ? (
    <Records preview={preview.data} />
  ) : (
    <ul className="preview-files" aria-label="First items">
      {files.map(({ name, bytes }) => (
        <li key={name} title={name}>
          <span className="preview-picture">
            <Picture src={inputPictureOf(input, name)} name={name} />
          </span>
          <span className="clip small">{name.split('/').at(-1)}</span>
          <span className="muted small">{formatBytes(bytes)}</span>
        </li>
      ))}
      {preview.data.more ? <li className="preview-more muted small">and more</li> : null}
    </ul>
  )
}

const Records = (props: { readonly preview: PreviewView }) => {
  const { columns, rows, more } = props.preview
  return (
    <div className="panel preview-table" tabIndex={0} role="region" aria-label="First records">
      <table className="list">
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, value, problem }) => (
            <tr key={name}>
              {value === null ? (
                <td colSpan={columns.length} className="has-failed">
                  {name}: {problem}
                </td>
              ) : (
                columns.map((column) => <td key={column}>{cellText(value[column])}</td>)
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {more ? <p className="muted small preview-rest">and more</p> : null}
    </div>
  )
}

const cellText = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : JSON.stringify(value)
