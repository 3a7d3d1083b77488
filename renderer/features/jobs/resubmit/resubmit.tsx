import { Button, Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { JobView } from '../../../../protocol/control/job-views.ts'
import { useSnapshot } from '../../../agent/context.tsx'
import { errorText, useCommand } from '../../../agent/queries.ts'
import { CopyLine } from '../../../ui/copy-line.tsx'
import { formatPlural } from '../../../ui/format.ts'
import { Problem } from '../../../ui/problem.tsx'
import { changesOf, fieldAbout, fieldsOf, textAt } from './fields.ts'
import type { Field, FileFields } from './fields.ts'
import './resubmit.css'

/** The button that runs a job anew, with other settings if the person likes. */
export const Resubmit = (props: {
  readonly job: JobView
  /** The job as a job file; undefined while it is asked for. */
  readonly file: FileFields | undefined
}) => {
  const { job, file } = props
  const [open, setOpen] = useState(false)
  const { agent } = useSnapshot()
  const close = (): void => setOpen(false)
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        disabled={file === undefined}
        onClick={() => setOpen(true)}
      >
        Resubmit
      </Button>
      <Modal opened={open} onClose={close} title={`Submit ${job.name} anew`} size="lg" centered>
        {!open || file === undefined ? null : job.dataPeer === agent.peer ? (
          <ResubmitForm job={job} file={file} close={close} />
        ) : (
          <Elsewhere job={job} />
        )}
      </Modal>
    </>
  )
}

const Elsewhere = (props: { readonly job: JobView }) => (
  <div className="start-form">
    <p>
      The files of this job are on {props.job.dataPeerName}, so only that machine can submit it
      anew. Open its window, or type there:
    </p>
    <CopyLine text={`muster job resubmit ${props.job.id}`} what="command" />
  </div>
)

const ResubmitForm = (props: {
  readonly job: JobView
  readonly file: FileFields
  readonly close: () => void
}) => {
  const { job, file, close } = props
  const { wide, small } = fieldsOf(file)
  const fields = [...wide, ...small]
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  // One id for each opening of the form: pressing twice submits once.
  const [submissionId] = useState(() => crypto.randomUUID())
  const resubmit = useCommand('resubmitJob')
  const navigate = useNavigate()
  const changes = changesOf(file, fields, texts)
  const count = Object.keys(changes).length
  const sentence = resubmit.error === null ? '' : errorText(resubmit.error)
  const about = sentence === '' ? undefined : fieldAbout(fields, sentence)

  const submit = (): void =>
    resubmit.mutate(
      { query: { job: job.id }, body: { overrides: changes, submissionId } },
      {
        onSuccess: (next) => {
          notifications.show({ message: `${next.name} is submitted.` })
          close()
          void navigate({ to: '/jobs/$job', params: { job: next.id } })
        },
      },
    )
  const box = (field: Field) => (
    <FieldBox
      key={field.name}
      field={field}
      text={texts[field.name] ?? textAt(file, field)}
      before={textAt(file, field)}
      error={about === field ? sentence : ''}
      change={(text) => setTexts({ ...texts, [field.name]: text })}
    />
  )
  return (
    <form
      className="resubmit"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <div className="resubmit-pair">{wide.map(box)}</div>
      <div className="resubmit-grid">{small.map(box)}</div>
      {sentence !== '' && about === undefined ? <Problem sentence={sentence} /> : null}
      <Foot count={count} close={close} isSending={resubmit.isPending} />
    </form>
  )
}

const Foot = (props: {
  readonly count: number
  readonly isSending: boolean
  readonly close: () => void
}) => {
  const { count, isSending, close } = props
  return (
    <div className="button-row resubmit-foot">
      <span className="muted small" role="status">
        {count === 0
          ? 'The same job again: nothing is changed.'
          : `${formatPlural(count, 'field')} changed.`}
      </span>
      <Button variant="default" onClick={close}>
        Close
      </Button>
      <Button type="submit" loading={isSending}>
        Submit
      </Button>
    </div>
  )
}

const FieldBox = (props: {
  readonly field: Field
  readonly text: string
  readonly before: string
  readonly error: string
  readonly change: (text: string) => void
}) => {
  const { field, text, before, error, change } = props
  const isChanged = text.trim() !== before
  const isPath = field.name.startsWith('inputs.')
  const was = before === '' ? field.placeholder : before
  return (
    <TextInput
      size="sm"
      label={field.label}
      aria-label={field.label}
      description={isChanged ? `was ${was}` : field.hint === '' ? '\u00a0' : field.hint}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      placeholder={field.placeholder}
      inputMode={field.numeric ? 'decimal' : 'text'}
      className={`resubmit-field${isChanged ? ' changed' : ''}${isPath ? ' across' : ''}`}
      value={text}
      error={error === '' ? undefined : error}
      onChange={(event) => change(event.currentTarget.value)}
    />
  )
}
