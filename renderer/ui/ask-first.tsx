import { Button, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { ReactNode } from 'react'
import { errorText } from '../agent/queries.ts'
import { Problem } from './problem.tsx'

interface Question {
  readonly title: string
  /** What will happen, and what stays. */
  readonly children: ReactNode
  /** Words of the button that changes nothing, and of the one that does it. */
  readonly leave: string
  readonly confirm: string
  /** Does it; resolves to the sentence that is shown then. */
  readonly act: () => Promise<string>
}

/** A button for what cannot be taken back: it asks, and shows what went wrong where it asked. */
export const AskFirst = (
  props: Question & {
    readonly label: string
    /** Accessible name, where the label alone does not say of what. */
    readonly name?: string
  },
) => {
  const [asking, setAsking] = useState(false)
  const close = (): void => setAsking(false)
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        aria-label={props.name}
        onClick={() => setAsking(true)}
      >
        {props.label}
      </Button>
      <Modal opened={asking} onClose={close} title={props.title} centered>
        {asking ? <Answering {...props} close={close} /> : null}
      </Modal>
    </>
  )
}

const Answering = (props: Question & { readonly close: () => void }) => {
  const { close, act } = props
  const acting = useMutation({
    mutationFn: act,
    networkMode: 'always',
    onSuccess: (message) => {
      notifications.show({ message })
      close()
    },
  })
  return (
    <div className="start-form">
      <p>{props.children}</p>
      {acting.error === null ? null : <Problem sentence={errorText(acting.error)} />}
      <div className="button-row">
        <Button variant="default" onClick={close}>
          {props.leave}
        </Button>
        <Button className="danger" loading={acting.isPending} onClick={() => acting.mutate()}>
          {props.confirm}
        </Button>
      </div>
    </div>
  )
}
