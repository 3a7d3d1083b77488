import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { durationText } from '../../../protocol/control/progress-line.ts'
import type { AnswerOf } from '../../../protocol/control/api.ts'
import { useAgent } from '../../agent/context.tsx'
import { inputPictureOf } from '../../agent/data-queries.ts'
import { errorText } from '../../agent/queries.ts'
import { Empty } from '../../ui/empty.tsx'
import { Picture } from '../../ui/picture.tsx'
import { Problem } from '../../ui/problem.tsx'
import type { FileFields } from './yaml.ts'
import './new-job.css'

type Tried = AnswerOf<'tryJob'>

const items = 5

/** Runs the first items on this machine, so that it is seen what the job would return. */
export const TryPanel = (props: {
  readonly text: string
  readonly file: string
  /** Where the pictures of its items are; undefined for tables and where it is not known. */
  readonly pictures: FileFields | undefined
  /** What lacks before it can be tried; empty if nothing. */
  readonly lacking: string
}) => {
  const { text, file, pictures, lacking } = props
  const { client } = useAgent()
  const attempt = useMutation({
    mutationFn: async (given: { readonly text: string; readonly file: string }) => ({
      of: given.text,
      tried: await client.call('tryJob', { body: { ...given, count: items } }),
    }),
    networkMode: 'always',
  })
  const known = attempt.data
  return (
    <div className="try">
      <div className="try-bar">
        <Button
          size="sm"
          variant="default"
          loading={attempt.isPending}
          disabled={lacking !== ''}
          onClick={() => attempt.mutate({ text, file })}
        >
          Try on five items
        </Button>
        <span className="muted small" role="status">
          {lacking !== ''
            ? lacking
            : known === undefined
              ? ''
              : outcomeText(known.tried, known.of !== text)}
        </span>
      </div>
      {attempt.error === null ? null : <Problem sentence={errorText(attempt.error)} />}
      {known === undefined ? (
        attempt.error === null ? (
          <Empty sentence="The first items are run on this machine, and their rows stand here. Nothing is recorded." />
        ) : null
      ) : (
        <Rows tried={known.tried} pictures={pictures} />
      )}
    </div>
  )
}

const outcomeText = ({ runMs }: Tried, isOld: boolean): string =>
  isOld ? 'Changed since; try again.' : `Took ${durationText(runMs)}; nothing was recorded.`

const Rows = (props: { readonly tried: Tried; readonly pictures: FileFields | undefined }) => {
  const { tried, pictures } = props
  return (
    <>
      {tried.problem === '' ? null : <Problem sentence={tried.problem} />}
      {tried.warnings.map((warning) => (
        <p key={warning} className="muted small">
          {warning}
        </p>
      ))}
      <ul className="try-rows" aria-label="Rows">
        {tried.rows.map(({ item, name, value, failure }, at) => (
          <li key={`${item} ${at}`}>
            {pictures === undefined ? null : (
              <span className="preview-picture">
                <Picture src={inputPictureOf(pictures, name)} name={name} />
              </span>
            )}
            <div className="try-row">
              <span className="mono small clip" title={name}>
                {name}
              </span>
              {failure === '' ? (
                <Value value={value} name={name} />
              ) : (
                <span className="has-failed small">{failure}</span>
              )}
            </div>
          </li>
        ))}
      </ul>
      {tried.files.length === 0 ? null : (
        <p className="muted small">Files it wrote: {tried.files.join(', ')}</p>
      )}
    </>
  )
}

/** A row as names and values; what repeats the item's name is left out. */
const Value = (props: { readonly value: unknown; readonly name: string }) => {
  const { value, name } = props
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return <strong>{valueText(value)}</strong>
  const entries = Object.entries(value).filter(
    ([, each]) => each !== name && each !== name.split('/').at(-1),
  )
  return (
    <dl className="try-value">
      {entries.map(([key, each]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd className="mono clip" title={valueText(each)}>
            {valueText(each)}
          </dd>
        </div>
      ))}
    </dl>
  )
}

const valueText = (value: unknown): string => {
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : value.toPrecision(4)
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  return typeof value === 'string' ? value : JSON.stringify(value)
}
