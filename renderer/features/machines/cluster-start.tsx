import { Button, Modal, TextInput, Textarea } from '@mantine/core'
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { errorText, useCommand } from '../../agent/queries.ts'
import { CopyAction, CopyLine } from '../../ui/copy-line.tsx'
import { Problem } from '../../ui/problem.tsx'
import './machines.css'

/** For an agent alone: found a cluster, or join one. */
export const ClusterStart = () => (
  <div className="cluster-start">
    <section className="panel start-card" aria-labelledby="create">
      <h2 id="create">Create a cluster</h2>
      <p className="muted">On the first machine. It becomes the head, and invites the others.</p>
      <CreateForm />
      <TerminalWay command="muster cluster create NAME" />
    </section>
    <section className="panel start-card" aria-labelledby="join">
      <h2 id="join">Join a cluster</h2>
      <p className="muted">On every other machine, with the code that an invitation shows.</p>
      <JoinForm />
      <TerminalWay command="muster cluster join CODE" />
    </section>
  </div>
)

const TerminalWay = (props: { readonly command: string }) => (
  <div className="terminal-way">
    <span className="muted small">Or in a terminal</span>
    <CopyLine text={props.command} what="command" />
  </div>
)

const CreateForm = () => {
  const [name, setName] = useState('')
  const create = useCommand('createCluster')
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    create.mutate({ body: { name: name.trim() } })
  }
  return (
    <form className="start-form" onSubmit={submit}>
      <TextInput
        label="Name"
        placeholder="Second floor"
        value={name}
        maxLength={64}
        required
        withAsterisk={false}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" loading={create.isPending}>
        Create cluster
      </Button>
      {create.error === null ? null : <Problem sentence={errorText(create.error)} />}
      {create.data === undefined ? null : <RecoveryCode code={create.data.recoveryCode} />}
    </form>
  )
}

/** Shown once, and only here: closing it is a decision. */
const RecoveryCode = (props: { readonly code: string }) => {
  const [open, setOpen] = useState(true)
  return (
    <Modal
      opened={open}
      onClose={() => setOpen(false)}
      closeOnClickOutside={false}
      withCloseButton={false}
      title="Keep the recovery code"
      centered
    >
      <div className="start-form">
        <p>
          It replaces this machine’s key if the machine is lost, and it is shown only now. Keep it
          where you keep passwords.
        </p>
        <span className="code-box">
          <code className="mono">{props.code}</code>
          <CopyAction text={props.code} what="recovery code" />
        </span>
        <Button onClick={() => setOpen(false)}>I have kept it</Button>
      </div>
    </Modal>
  )
}

const JoinForm = () => {
  const [code, setCode] = useState('')
  const join = useCommand('join')
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    join.mutate({ body: { code: code.trim() } })
  }
  return (
    <form className="start-form" onSubmit={submit}>
      <Textarea
        label="Invitation code"
        placeholder="Paste the code"
        value={code}
        rows={2}
        required
        withAsterisk={false}
        classNames={{ input: 'mono' }}
        onChange={(event) => setCode(event.currentTarget.value)}
      />
      <Button type="submit" loading={join.isPending}>
        Join cluster
      </Button>
      {join.error === null ? null : <Problem sentence={errorText(join.error)} />}
      {join.data === undefined ? null : (
        <p role="status">
          Joined {join.data.name}. The other screen must show the words{' '}
          <strong>{join.data.words}</strong>.
        </p>
      )}
    </form>
  )
}
