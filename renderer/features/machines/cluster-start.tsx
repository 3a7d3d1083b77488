import { Button, TextInput, Textarea } from '@mantine/core'
import { useState } from 'react'
import type { SubmitEvent } from 'react'
import { errorText, useCommand } from '../../agent/queries.ts'
import { CopyLine } from '../../ui/copy-line.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useKeepsake } from './keepsake.tsx'
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
  const keep = useKeepsake()
  const create = useCommand('createCluster', ({ recoveryCode }) =>
    keep({ kind: 'created', recoveryCode }),
  )
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
    </form>
  )
}

const JoinForm = () => {
  const [code, setCode] = useState('')
  const keep = useKeepsake()
  const join = useCommand('join', ({ name, words }) =>
    keep({ kind: 'joined', cluster: name, words }),
  )
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
    </form>
  )
}
