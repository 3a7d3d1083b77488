import { Button, Checkbox, Modal } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import type { AnswerOf } from '../../../protocol/control/api.ts'
import { useNow } from '../../agent/context.tsx'
import { errorText, useCommand } from '../../agent/queries.ts'
import { CopyAction } from '../../ui/copy-line.tsx'
import { Problem } from '../../ui/problem.tsx'
import { QrCode } from '../../ui/qr-code.tsx'
import './machines.css'

type Role = 'work' | 'submit' | 'admin'

const roleWords: Readonly<Record<Role, { readonly word: string; readonly means: string }>> = {
  work: { word: 'Work', means: 'runs mini-batches when its owner lets it' },
  submit: { word: 'Submit', means: 'may start jobs on everybody’s machines' },
  admin: { word: 'Admin', means: 'may invite and remove machines' },
}

/** The button that lets a new machine in. */
export const Invite = () => {
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button leftSection={<IconUserPlus size="1rem" />} onClick={() => setOpen(true)}>
        Invite a machine
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title="Invite a machine"
        size="lg"
        centered
      >
        {open ? <InviteSteps /> : null}
      </Modal>
    </>
  )
}

const InviteSteps = () => {
  const [roles, setRoles] = useState<Role[]>(['work', 'submit'])
  const invite = useCommand('invite')
  if (invite.data !== undefined) {
    return <Invitation invitation={invite.data} renew={() => invite.mutate({ body: { roles } })} />
  }
  return (
    <div className="start-form">
      <Checkbox.Group label="What it may do" value={roles} onChange={(value) => setRoles(value)}>
        <div className="role-list">
          {(['work', 'submit', 'admin'] as const).map((role) => (
            <Checkbox
              key={role}
              value={role}
              label={roleWords[role].word}
              description={roleWords[role].means}
            />
          ))}
        </div>
      </Checkbox.Group>
      {invite.error === null ? null : <Problem sentence={errorText(invite.error)} />}
      <Button
        onClick={() => invite.mutate({ body: { roles } })}
        loading={invite.isPending}
        disabled={roles.length === 0}
      >
        Open an invitation
      </Button>
    </div>
  )
}

const Invitation = (props: {
  readonly invitation: AnswerOf<'invite'>
  readonly renew: () => void
}) => {
  const { code, words, expiresAt } = props.invitation
  const left = Math.max(0, expiresAt - useNow())
  if (left === 0) {
    return (
      <div className="start-form">
        <p>This invitation has expired.</p>
        <Button onClick={props.renew}>Open a new one</Button>
      </div>
    )
  }
  return (
    <div className="invitation">
      <QrCode text={code} label="The invitation code as a QR code" />
      <div className="start-form">
        <p>On the new machine, choose “Join a cluster” and give this code. It works once.</p>
        <span className="code-box">
          <code className="mono">{code}</code>
          <CopyAction text={code} what="invitation code" />
        </span>
        <div>
          <span className="muted small">Both screens must show the same words</span>
          <p className="invitation-words">{words}</p>
        </div>
        <span className="muted small">Open for another {clock(left)}</span>
      </div>
    </div>
  )
}

/** `9:04`: fixed width, so that nothing jumps. */
const clock = (ms: number): string => {
  const seconds = Math.ceil(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`
}
