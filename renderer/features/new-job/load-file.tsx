import { Button, FileButton, Modal, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useSnapshot } from '../../agent/context.tsx'
import { errorText, useCommand } from '../../agent/queries.ts'
import { Problem } from '../../ui/problem.tsx'
import type { Draft } from './draft.ts'
import './new-job.css'

/** Takes a file that is there into the form; a pipeline is taken as text. */
export const LoadFile = (props: { readonly take: (draft: Draft) => void }) => {
  const [open, setOpen] = useState(false)
  const close = (): void => setOpen(false)
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => setOpen(true)}>
        Load a job file
      </Button>
      <Modal opened={open} onClose={close} title="Load a job file" size="lg" centered>
        {open ? (
          <Form
            take={(draft) => {
              props.take(draft)
              close()
            }}
            close={close}
          />
        ) : null}
      </Modal>
    </>
  )
}

const Form = (props: { readonly take: (draft: Draft) => void; readonly close: () => void }) => {
  const { agent } = useSnapshot()
  const [text, setText] = useState('')
  const [name, setName] = useState('job.yaml')
  const [folder, setFolder] = useState('')
  const check = useCommand('checkFile')
  const file = `${(folder.trim() === '' ? agent.home : folder.trim()).replace(/[/\\]$/, '')}/${name}`
  const load = (): void =>
    check.mutate(
      { body: { text, file } },
      {
        onSuccess: ({ kind, fields }) =>
          props.take(
            kind === 'job' ? { kind: 'form', file, fields } : { kind: 'text', file, text },
          ),
      },
    )
  const read = async (chosen: File | null): Promise<void> => {
    if (chosen === null) return
    setName(chosen.name)
    setText(await chosen.text())
  }
  return (
    <form
      className="start-form"
      onSubmit={(event) => {
        event.preventDefault()
        load()
      }}
    >
      <Source read={read} folder={folder} setFolder={setFolder} />
      <Textarea
        size="sm"
        label="Or paste it"
        autosize
        minRows={8}
        maxRows={16}
        classNames={{ input: 'mono' }}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {check.error === null ? null : <Problem sentence={errorText(check.error)} />}
      <div className="button-row">
        <Button variant="default" onClick={props.close}>
          Close
        </Button>
        <Button type="submit" loading={check.isPending} disabled={text.trim() === ''}>
          Load
        </Button>
      </div>
    </form>
  )
}

const Source = (props: {
  readonly read: (chosen: File | null) => Promise<void>
  readonly folder: string
  readonly setFolder: (folder: string) => void
}) => {
  const { read, folder, setFolder } = props
  return (
    <div className="form-row">
      <FileButton accept=".yaml,.yml,.json" onChange={(chosen) => void read(chosen)}>
        {(choose) => (
          <Button size="sm" variant="default" {...choose}>
            Choose a file …
          </Button>
        )}
      </FileButton>
      <TextInput
        size="sm"
        className="form-grow"
        aria-label="Folder of the file"
        placeholder="Its folder, where relative paths in it start"
        value={folder}
        onChange={(event) => setFolder(event.currentTarget.value)}
      />
    </div>
  )
}
