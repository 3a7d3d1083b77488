import { Button, Modal } from '@mantine/core'
import { createContext, use, useState } from 'react'
import type { ReactNode } from 'react'
import { CopyAction } from '../../ui/copy-line.tsx'
import './machines.css'

/** What is told once, when a cluster is created or joined. */
export type Keepsake =
  | { readonly kind: 'created'; readonly recoveryCode: string }
  | { readonly kind: 'joined'; readonly cluster: string; readonly words: string }

const KeepsakeContext = createContext<(keepsake: Keepsake) => void>(() => undefined)

/** Shows a keepsake until the person has said so: the form that got it goes as soon as there is a cluster. */
export const useKeepsake = (): ((keepsake: Keepsake) => void) => use(KeepsakeContext)

/** Stands around all pages, so that what is told once outlives the one that asked. */
export const KeepsakeProvider = (props: { readonly children: ReactNode }) => {
  const [keepsake, setKeepsake] = useState<Keepsake>()
  const close = (): void => setKeepsake(undefined)
  return (
    <KeepsakeContext value={setKeepsake}>
      {props.children}
      <Modal
        opened={keepsake !== undefined}
        onClose={close}
        closeOnClickOutside={false}
        closeOnEscape={false}
        withCloseButton={false}
        title={
          keepsake?.kind === 'joined' ? `Joined ${keepsake.cluster}` : 'Keep the recovery code'
        }
        centered
      >
        {keepsake?.kind === 'created' ? (
          <RecoveryCode code={keepsake.recoveryCode} close={close} />
        ) : null}
        {keepsake?.kind === 'joined' ? <Words words={keepsake.words} close={close} /> : null}
      </Modal>
    </KeepsakeContext>
  )
}

const RecoveryCode = (props: { readonly code: string; readonly close: () => void }) => (
  <div className="start-form">
    <p>
      It replaces this machine’s key if the machine is lost, and it is shown only now. Keep it where
      you keep passwords.
    </p>
    <span className="code-box">
      <code className="mono">{props.code}</code>
      <CopyAction text={props.code} what="recovery code" />
    </span>
    <Button onClick={props.close}>I have kept it</Button>
  </div>
)

const Words = (props: { readonly words: string; readonly close: () => void }) => (
  <div className="start-form">
    <p>The screen with the invitation must show the same words:</p>
    <p className="invitation-words">{props.words}</p>
    <p className="muted">
      If it shows others, this is not the cluster you were invited to: have this machine removed
      there.
    </p>
    <Button onClick={props.close}>They are the same</Button>
  </div>
)
