import { Button, Modal, SegmentedControl, Select, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { ReactNode } from 'react'
import type { BodyOf } from '../../../protocol/control/api.ts'
import type { DatastoreView } from '../../../protocol/control/registry-views.ts'
import { datasetsKey, datastoresKey } from '../../agent/data-queries.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { Problem } from '../../ui/problem.tsx'
import './data.css'

/** A button and the dialog behind it. */
const Registering = (props: {
  readonly label: string
  readonly isMain?: boolean
  readonly form: (close: () => void) => ReactNode
}) => {
  const [open, setOpen] = useState(false)
  const close = (): void => setOpen(false)
  return (
    <>
      <Button
        size="compact-sm"
        variant={props.isMain === true ? 'filled' : 'default'}
        onClick={() => setOpen(true)}
      >
        {props.label}
      </Button>
      <Modal opened={open} onClose={close} title={props.label} size="lg" centered>
        {open ? props.form(close) : null}
      </Modal>
    </>
  )
}

export const RegisterDatastore = () => (
  <Registering label="Register a datastore" form={(close) => <DatastoreForm close={close} />} />
)

export const RegisterDataset = (props: { readonly datastores: readonly DatastoreView[] }) => (
  <Registering
    label="Register a dataset"
    isMain
    form={(close) => <DatasetForm close={close} datastores={props.datastores} />}
  />
)

const DatastoreForm = (props: { readonly close: () => void }) => {
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [path, setPath] = useState('')
  const [share, setShare] = useState('')
  const register = useCommand('registerDatastore', (made) => {
    void queries.invalidateQueries({ queryKey: datastoresKey })
    notifications.show({ message: `${made.name} is registered.` })
    props.close()
  })
  const submit = (): void =>
    register.mutate({
      body: {
        name: name.trim(),
        path: path.trim(),
        ...(share === '' ? {} : { share: share.trim() }),
      },
    })
  return (
    <Form
      {...props}
      submit={submit}
      command={register}
      lacks={name.trim() === '' || path.trim() === ''}
    >
      <p className="muted">It names a folder and moves nothing. Jobs write paths below it.</p>
      <Text label="Name" hint="scans" {...{ value: name, set: setName }} />
      <Text
        label={share === '' ? 'Folder on this machine' : 'Place below the share'}
        hint={share === '' ? '/home/anna/scans' : '2026/july'}
        {...{ value: path, set: setPath }}
      />
      <Text
        label="Share"
        hint="none: a folder of this machine"
        {...{ value: share, set: setShare }}
      />
    </Form>
  )
}

interface DatasetDraft {
  readonly name: string
  readonly type: string
  /** Empty: a folder of this machine. */
  readonly datastore: string
  readonly path: string
  readonly pattern: string
}

const ownPlace = ''

const DatasetForm = (props: {
  readonly close: () => void
  readonly datastores: readonly DatastoreView[]
}) => {
  const queries = useQueryClient()
  const [draft, setDraft] = useState<DatasetDraft>({
    name: '',
    type: 'file',
    datastore: '',
    path: '',
    pattern: '',
  })
  const register = useCommand('registerDataset', (made) => {
    void queries.invalidateQueries({ queryKey: datasetsKey })
    notifications.show({ message: `${made.name}:${made.version} is registered.` })
    props.close()
  })
  const set = (change: Partial<DatasetDraft>): void => setDraft({ ...draft, ...change })
  const lacks = draft.name.trim() === '' || draft.path.trim() === ''
  return (
    <Form
      {...props}
      submit={() => register.mutate({ body: datasetOf(draft) })}
      command={register}
      lacks={lacks}
    >
      <DatasetFields draft={draft} set={set} datastores={props.datastores} />
    </Form>
  )
}

const DatasetFields = (props: {
  readonly draft: DatasetDraft
  readonly set: (change: Partial<DatasetDraft>) => void
  readonly datastores: readonly DatastoreView[]
}) => {
  const { draft, set } = props
  return (
    <>
      <p className="muted">A name that is taken gets its next version; jobs may name either.</p>
      <Text label="Name" hint="july" value={draft.name} set={(name) => set({ name })} />
      <Select
        size="sm"
        label="Lies in"
        data={[
          { value: ownPlace, label: 'a folder of this machine' },
          ...props.datastores.map(({ name }) => ({ value: name, label: `the datastore ${name}` })),
        ]}
        value={draft.datastore}
        allowDeselect={false}
        onChange={(datastore) => set({ datastore: datastore ?? ownPlace })}
      />
      <Text
        label={draft.datastore === '' ? 'Folder, or file of a table' : 'Path below it'}
        hint={draft.datastore === '' ? '/home/anna/scans/july' : 'july'}
        value={draft.path}
        set={(path) => set({ path })}
      />
      <Text
        label="Which files"
        hint="**/*"
        value={draft.pattern}
        set={(pattern) => set({ pattern })}
      />
      <SegmentedControl
        size="xs"
        className="data-type"
        aria-label="Each item is"
        value={draft.type}
        onChange={(type) => set({ type })}
        data={[
          { value: 'file', label: 'Each file is an item' },
          { value: 'table', label: 'Each record is an item' },
        ]}
      />
    </>
  )
}

const datasetOf = (draft: DatasetDraft): BodyOf<'registerDataset'> => ({
  name: draft.name.trim(),
  type: draft.type === 'table' ? 'table' : 'file',
  path: draft.path.trim(),
  validate: true,
  ...(draft.datastore === '' ? {} : { datastore: draft.datastore }),
  ...(draft.pattern.trim() === '' ? {} : { patterns: [draft.pattern.trim()] }),
})

const Text = (props: {
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly set: (value: string) => void
}) => (
  <TextInput
    size="sm"
    label={props.label}
    placeholder={props.hint}
    value={props.value}
    onChange={(event) => props.set(event.currentTarget.value)}
  />
)

const Form = (props: {
  readonly close: () => void
  readonly submit: () => void
  readonly command: { readonly error: Error | null; readonly isPending: boolean }
  /** Whether something is not given yet. */
  readonly lacks: boolean
  readonly children: ReactNode
}) => {
  const { close, submit, command, lacks } = props
  return (
    <form
      className="start-form"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {props.children}
      {command.error === null ? null : <Problem sentence={errorText(command.error)} />}
      <div className="button-row">
        <Button variant="default" onClick={close}>
          Close
        </Button>
        <Button type="submit" loading={command.isPending} disabled={lacks}>
          Register
        </Button>
      </div>
    </form>
  )
}
