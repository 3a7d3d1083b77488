import { Button, Tabs, TextInput } from '@mantine/core'
import { useDebouncedValue, useSessionStorage } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { AnswerOf } from '../../../protocol/control/api.ts'
import type { ModelView } from '../../../protocol/control/views.ts'
import { useSnapshot } from '../../agent/context.tsx'
import { useCheck, useDatasets } from '../../agent/data-queries.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { Problem } from '../../ui/problem.tsx'
import { DataSection } from './data-section.tsx'
import {
  emptyFields,
  following,
  lacking,
  lookAt,
  readsTable,
  textOf,
  valueAt,
  withValue,
} from './draft.ts'
import type { Draft, Known } from './draft.ts'
import { FieldGrid, isAbout } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import { FilePanel } from './file-panel.tsx'
import { moreSettings, settings } from './form-fields.ts'
import { LoadFile } from './load-file.tsx'
import { ModelSection } from './model-section.tsx'
import { ProcessSection } from './process-section.tsx'
import { TryPanel } from './try-panel.tsx'
import { toYaml } from './yaml.ts'
import type { FileFields } from './yaml.ts'
import './new-job.css'

/** Each key would be a question to the agent. */
const typingMs = 400

/** Makes a job: a model, the data, what becomes of it; tried on five items before it is submitted. */
export const NewJobPage = () => {
  const { draft, setDraft, known, adopt, text } = useDraft()
  const lacks = draft.kind === 'form' ? lacking(draft.fields) : textLacks(draft.text)
  const [asked] = useDebouncedValue({ text, file: draft.file, enabled: lacks === '' }, typingMs)
  const check = useCheck(asked.text, asked.file, asked.enabled)
  const checked = lacks === '' ? check.data : undefined
  const { submit, isPending, refusal } = useSubmit()
  // What the check says is newer than what a submission said before.
  const sentence = checked?.problem?.message ?? refusal
  return (
    <>
      <header className="page-head">
        <h1>New job</h1>
        <span className="sub" role="status">
          {lacks}
        </span>
        <LoadFile take={setDraft} />
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => setDraft(emptyDraft(draft.file))}
        >
          Start anew
        </Button>
        <Button
          size="compact-sm"
          loading={isPending}
          disabled={lacks !== ''}
          onClick={() => submit(text, draft.file)}
        >
          Submit
        </Button>
      </header>
      <div className="new-job">
        {draft.kind === 'form' ? (
          <Form
            fields={draft.fields}
            known={known}
            adopt={adopt}
            problem={sentence}
            change={(fields) =>
              setDraft({ ...draft, fields: following(draft.fields, fields, known) })
            }
          />
        ) : (
          <ByHand draft={draft} take={setDraft} problem={refusal} checked={checked} />
        )}
        <Beside
          draft={draft}
          text={text}
          checked={checked}
          lacks={lacks}
          known={known}
          setDraft={setDraft}
        />
      </div>
    </>
  )
}

const emptyDraft = (file: string): Draft => ({ kind: 'form', file, fields: emptyFields })

const textLacks = (text: string): string => (text.trim() === '' ? 'The file is empty.' : '')

/** What is being made outlives a look at another page, and a reload. */
const useDraft = () => {
  const { agent, models } = useSnapshot()
  const datasets = useDatasets().data?.datasets
  const [registered, setRegistered] = useState<readonly ModelView[]>([])
  const known = useMemo<Known>(
    () => ({ models: withRegistered(models, registered), datasets: datasets ?? [] }),
    [models, registered, datasets],
  )
  const [draft, setDraft] = useSessionStorage<Draft>({
    key: 'muster-new-job',
    defaultValue: emptyDraft(`${agent.home}/new-job.yaml`),
    getInitialValueInEffect: false,
  })
  const text = draft.kind === 'form' ? toYaml(draft.fields) : draft.text
  const adopt = (model: ModelView): void => {
    setRegistered([...registered, model])
    if (draft.kind !== 'form') return
    const chosen = withValue(draft.fields, ['model'], `${model.name}:${model.version}`)
    const models = withRegistered(known.models, [model])
    setDraft({ ...draft, fields: following(draft.fields, chosen, { ...known, models }) })
  }
  return { draft, setDraft, known, adopt, text }
}

const withRegistered = (
  models: readonly ModelView[],
  registered: readonly ModelView[],
): readonly ModelView[] => [
  ...registered.filter(
    ({ name, version }) => !models.some((one) => one.name === name && one.version === version),
  ),
  ...models,
]

const useSubmit = () => {
  // One id for each visit: pressing twice submits once.
  const [submissionId] = useState(() => crypto.randomUUID())
  const command = useCommand('submitPipeline')
  const navigate = useNavigate()
  const submit = (text: string, file: string): void =>
    command.mutate(
      { body: { text, file, submissionId } },
      {
        onSuccess: (answer) => {
          for (const message of answer.warnings) notifications.show({ message })
          const { message, to } = placeAfter(answer)
          notifications.show({ message })
          void navigate({ to })
        },
      },
    )
  const refusal = command.error === null ? '' : errorText(command.error)
  return { submit, isPending: command.isPending, refusal }
}

/** A job of its own is shown as such; its run says no more. */
const placeAfter = ({ pipeline, schedule }: AnswerOf<'submitPipeline'>) => {
  if (pipeline === null)
    return { message: `${schedule?.name ?? 'It'} is scheduled.`, to: '/schedules' }
  const [first, second] = pipeline.steps
  const message = `${pipeline.name} is submitted.`
  return first !== undefined && second === undefined && first.job !== ''
    ? { message, to: `/jobs/${first.job}` }
    : { message, to: `/runs/${pipeline.id}` }
}

const Form = (props: {
  readonly fields: FileFields
  readonly known: Known
  readonly problem: string
  readonly change: (fields: FileFields) => void
  readonly adopt: (model: ModelView) => void
}) => {
  const { fields, known, problem, change } = props
  const isTable = readsTable(fields, known.datasets)
  const all = settings(isTable)
  const name = { path: ['name'] }
  const isTold = [
    'name',
    'model',
    'inputs',
    'preprocess',
    'postprocess',
    'entry_script',
    'models',
    ...[...all, ...moreSettings].map(({ path }) => path.join('.')),
  ].some((path) => isAbout(problem, { path: path.split('.') }))
  return (
    <div className="panel new-job-form" role="region" aria-label="Form" tabIndex={0}>
      {problem !== '' && !isTold ? <Problem sentence={problem} /> : null}
      <ModelSection {...props} models={known.models} />
      <DataSection {...props} datasets={known.datasets} />
      <ProcessSection {...props} />
      <section className="form-part" aria-labelledby="new-settings">
        <h2 id="new-settings">Job</h2>
        <div className="field-pair">
          <TextInput
            size="sm"
            label="Name"
            placeholder="shelf-photos"
            value={textOf(fields['name'])}
            error={problem !== '' && isAbout(problem, name) ? problem : undefined}
            onChange={(event) => change(withValue(fields, ['name'], event.currentTarget.value))}
          />
          <TextInput
            size="sm"
            label="Description"
            placeholder="what it is for"
            value={textOf(fields['description'])}
            onChange={(event) =>
              change(withValue(fields, ['description'], event.currentTarget.value || undefined))
            }
          />
        </div>
        <FieldGrid {...props} of={all} />
        <More {...props} />
      </section>
    </div>
  )
}

/** What is seldom changed stands behind a button, unless something of it is set. */
const More = (props: FormPart) => {
  const isSet = moreSettings.some(({ path }) => valueAt(props.fields, path) !== undefined)
  const [isOpen, setIsOpen] = useState(isSet)
  return (
    <>
      {isSet ? (
        <h3>More settings</h3>
      ) : (
        <Button
          size="compact-sm"
          variant="default"
          className="form-narrow"
          aria-expanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? 'Fewer settings' : `${moreSettings.length} more settings`}
        </Button>
      )}
      {isOpen || isSet ? <FieldGrid {...props} of={moreSettings} /> : null}
    </>
  )
}

/** For files that the form cannot show: the text at the right is what counts. */
const ByHand = (props: {
  readonly draft: Extract<Draft, { kind: 'text' }>
  readonly take: (draft: Draft) => void
  readonly problem: string
  readonly checked: AnswerOf<'checkFile'> | undefined
}) => {
  const { draft, take, problem, checked } = props
  const isJob = checked?.kind === 'job'
  return (
    <div className="panel new-job-form">
      <section className="form-part" aria-labelledby="by-hand">
        <h2 id="by-hand">Written by hand</h2>
        <p className="muted">
          {checked === undefined || isJob
            ? 'The text at the right is submitted as it stands.'
            : 'The form shows single jobs. This file has steps: the text at the right is submitted as it stands, with every parameter at its default.'}
        </p>
        {checked === undefined || checked.steps.length === 0 ? null : (
          <p>Steps: {checked.steps.join(', ')}</p>
        )}
        {problem === '' ? null : <Problem sentence={problem} />}
        {isJob ? (
          <div className="button-row">
            <Button
              size="sm"
              variant="default"
              onClick={() => take({ kind: 'form', file: draft.file, fields: checked.fields })}
            >
              Back to the form
            </Button>
          </div>
        ) : null}
      </section>
    </div>
  )
}

const Beside = (props: {
  readonly draft: Draft
  readonly text: string
  readonly checked: AnswerOf<'checkFile'> | undefined
  readonly lacks: string
  readonly known: Known
  readonly setDraft: (draft: Draft) => void
}) => {
  const { draft, text, checked, lacks, known, setDraft } = props
  const [tab, setTab] = useState<string | null>(null)
  const fields = draft.kind === 'form' ? draft.fields : undefined
  const pictures =
    fields === undefined || readsTable(fields, known.datasets) ? undefined : lookAt(fields)
  return (
    <Tabs
      className="panel new-job-beside"
      value={tab ?? (draft.kind === 'form' ? 'try' : 'file')}
      onChange={setTab}
    >
      <Tabs.List aria-label="Try and file">
        <Tabs.Tab value="try">Try</Tabs.Tab>
        <Tabs.Tab value="file">Job file</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="try">
        <TryPanel text={text} file={draft.file} pictures={pictures} lacking={lacks} />
      </Tabs.Panel>
      <Tabs.Panel value="file">
        <FilePanel
          text={text}
          name={draft.file.split(/[/\\]/).at(-1) ?? 'job.yaml'}
          checked={checked}
          edit={() => setDraft({ kind: 'text', file: draft.file, text })}
          write={
            draft.kind === 'form'
              ? undefined
              : (written) => setDraft({ kind: 'text', file: draft.file, text: written })
          }
        />
      </Tabs.Panel>
    </Tabs>
  )
}
