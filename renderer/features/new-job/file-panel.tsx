import { Button, Textarea } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import type { CheckedView } from '../../../protocol/control/registry-views.ts'
import { CopyAction } from '../../ui/copy-line.tsx'
import { formatPlural } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { StateShape } from '../../ui/state-mark.tsx'
import './new-job.css'

/** The job file that the form makes, to copy, to save, or to write on by hand. */
export const FilePanel = (props: {
  readonly text: string
  readonly name: string
  readonly checked: CheckedView | undefined
  /** Undefined while the form writes the text. */
  readonly write: ((text: string) => void) | undefined
  readonly edit: () => void
}) => {
  const { text, name, checked, write, edit } = props
  return (
    <div className="job-file">
      <div className="job-file-bar">
        <Verdict checked={checked} />
        {write === undefined ? (
          <Button size="compact-xs" variant="subtle" onClick={edit}>
            Write by hand
          </Button>
        ) : null}
        <CopyAction text={text} what="job file" />
        <Button
          component="a"
          size="compact-xs"
          variant="default"
          leftSection={<IconDownload size="0.75rem" />}
          href={`data:application/yaml;charset=utf-8,${encodeURIComponent(text)}`}
          download={name}
        >
          Save
        </Button>
      </div>
      {write === undefined ? (
        <pre className="mono job-file-text" tabIndex={0} role="region" aria-label="Job file">
          {text}
        </pre>
      ) : (
        <Textarea
          aria-label="Job file"
          className="job-file-edit"
          classNames={{ input: 'mono' }}
          value={text}
          spellCheck={false}
          onChange={(event) => write(event.currentTarget.value)}
        />
      )}
    </div>
  )
}

const Verdict = (props: { readonly checked: CheckedView | undefined }) => {
  const { checked } = props
  if (checked === undefined) return <span className="job-file-verdict" />
  const { problem, steps, warnings } = checked
  if (problem !== null) {
    const { position } = problem
    const place = position === undefined ? '' : `Line ${position.line}: `
    return (
      <span className="job-file-verdict">
        <Problem sentence={place + problem.message} />
      </span>
    )
  }
  return (
    <span className="job-file-verdict small" role="status">
      <StateShape tone={warnings.length === 0 ? 'committed' : 'retried'} />
      {warnings.length === 0
        ? `Nothing is wrong with it${steps.length > 1 ? `: ${formatPlural(steps.length, 'step')}` : ''}.`
        : warnings.join(' ')}
    </span>
  )
}
