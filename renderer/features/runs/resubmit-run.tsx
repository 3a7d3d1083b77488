import { Button, Modal, Switch, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { BodyOf } from '../../../protocol/control/api.ts'
import type { PipelineView } from '../../../protocol/control/pipeline-views.ts'
import { useSnapshot } from '../../agent/context.tsx'
import { errorText, useCommand } from '../../agent/queries.ts'
import { CopyLine } from '../../ui/copy-line.tsx'
import { formatPlural } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'
import { parameterAbout, parseFields } from './given-fields.ts'
import './runs.css'

/** The button that submits a run anew, with other parameters if the person likes. */
export const ResubmitRun = (props: { readonly run: PipelineView }) => {
  const { run } = props
  const [open, setOpen] = useState(false)
  const { agent } = useSnapshot()
  const close = (): void => setOpen(false)
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => setOpen(true)}>
        Resubmit
      </Button>
      <Modal opened={open} onClose={close} title={`Submit ${run.name} anew`} size="lg" centered>
        {!open ? null : run.submitter === agent.peer ? (
          <Form run={run} close={close} />
        ) : (
          <div className="start-form">
            <p>
              This run was submitted on {run.submitterName}, where its file and its data are, so
              only that machine can submit it anew. Open its window, or type there:
            </p>
            <CopyLine text={`muster job resubmit ${run.id}`} what="command" />
          </div>
        )}
      </Modal>
    </>
  )
}

const Form = (props: { readonly run: PipelineView; readonly close: () => void }) => {
  const { run, close } = props
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  const [fields, setFields] = useState('')
  const [regenerate, setRegenerate] = useState(false)
  const parameters = changedOf(run, texts)
  const overrides = parseFields(fields)
  const { submit, isPending, sentence } = useResubmit(run, close)
  const about = parameterAbout(Object.keys(run.parameters), sentence)
  const problem = typeof overrides === 'string' ? overrides : undefined
  const count =
    Object.keys(parameters).length + (problem === undefined ? Object.keys(overrides).length : 0)
  return (
    <form
      className="start-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (typeof overrides !== 'string') submit({ parameters, overrides, regenerate })
      }}
    >
      <ParameterBoxes run={run} texts={texts} change={setTexts} refused={{ about, sentence }} />
      <Textarea
        size="sm"
        label="Other fields"
        description="One a line, by dotted names."
        placeholder="steps.find.mini_batch_size=20"
        autosize
        minRows={2}
        maxRows={6}
        classNames={{ input: 'mono' }}
        value={fields}
        error={problem}
        onChange={(event) => setFields(event.currentTarget.value)}
      />
      <Switch
        size="sm"
        label="Compute everything anew, also what did not change"
        checked={regenerate}
        onChange={(event) => setRegenerate(event.currentTarget.checked)}
      />
      {sentence !== '' && about === undefined ? <Problem sentence={sentence} /> : null}
      <div className="button-row run-form-foot">
        <span className="muted small" role="status">
          {count === 0
            ? 'Nothing is changed: all of it is computed anew.'
            : `${formatPlural(count, 'change')}.`}
        </span>
        <Button variant="default" onClick={close}>
          Close
        </Button>
        <Button type="submit" loading={isPending} disabled={problem !== undefined}>
          Submit
        </Button>
      </div>
    </form>
  )
}

const useResubmit = (run: PipelineView, close: () => void) => {
  // One id for each opening of the form: pressing twice submits once.
  const [submissionId] = useState(() => crypto.randomUUID())
  const resubmit = useCommand('resubmitPipeline')
  const navigate = useNavigate()
  const submit = (changes: Omit<BodyOf<'resubmitPipeline'>, 'submissionId'>): void =>
    resubmit.mutate(
      { query: { pipeline: run.id }, body: { ...changes, submissionId } },
      {
        onSuccess: (next) => {
          notifications.show({ message: `${next.name} is submitted.` })
          close()
          void navigate({ to: '/runs/$run', params: { run: next.id } })
        },
      },
    )
  const sentence = resubmit.error === null ? '' : errorText(resubmit.error)
  return { submit, isPending: resubmit.isPending, sentence }
}

/** Only what differs. The agent makes numbers of texts where the default is one. */
const changedOf = (
  { parameters }: PipelineView,
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(texts).filter(([name, text]) => text !== String(parameters[name])),
  )

const ParameterBoxes = (props: {
  readonly run: PipelineView
  readonly texts: Readonly<Record<string, string>>
  readonly change: (texts: Readonly<Record<string, string>>) => void
  readonly refused: { readonly about: string | undefined; readonly sentence: string }
}) => {
  const { run, texts, change, refused } = props
  const entries = Object.entries(run.parameters)
  if (entries.length === 0) return <p className="muted">Its file declares no parameters.</p>
  return (
    <div className="run-form">
      {entries.map(([name, value]) => {
        const before = String(value)
        const text = texts[name] ?? before
        const isChanged = text !== before
        const isLong = before.length > 24
        return (
          <TextInput
            key={name}
            size="sm"
            label={name}
            className={`resubmit-field${isLong ? ' across' : ''}${isChanged ? ' changed' : ''}`}
            description={isChanged ? `was ${before === '' ? 'empty' : before}` : '\u00a0'}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            value={text}
            error={refused.about === name ? refused.sentence : undefined}
            onChange={(event) => change({ ...texts, [name]: event.currentTarget.value })}
          />
        )
      })}
    </div>
  )
}
