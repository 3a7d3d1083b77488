import { Button, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import type { JobView } from '../../../protocol/control/views.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { formatCount } from '../../ui/format.ts'
import { Problem } from '../../ui/problem.tsx'

/** Takes a job's rows and names from all machines, after a question: nothing brings them back. */
export const Forget = (props: { readonly job: JobView }) => {
  const [asking, setAsking] = useState(false)
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => setAsking(true)}>
        Forget
      </Button>
      <Modal
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Forget ${props.job.name}?`}
        centered
      >
        {asking ? <ForgetSteps job={props.job} close={() => setAsking(false)} /> : null}
      </Modal>
    </>
  )
}

const ForgetSteps = (props: { readonly job: JobView; readonly close: () => void }) => {
  const { job, close } = props
  const forget = useCommand('forgetJob')
  const confirm = (): void =>
    forget.mutate(
      { query: { job: job.id } },
      {
        onSuccess: ({ left }) => {
          const stays = left === '' ? '' : ` Files in ${left} stay.`
          notifications.show({ message: `${job.name} is forgotten.${stays}` })
          close()
        },
      },
    )
  return (
    <div className="start-form">
      <p>
        Its {formatCount(job.rows)} rows, its logs, its output and the names of its items go from
        every machine, and nothing brings them back. Files that were exported stay.
      </p>
      {forget.error === null ? null : <Problem sentence={errorText(forget.error)} />}
      <div className="button-row">
        <Button variant="default" onClick={close}>
          Keep it
        </Button>
        <Button className="danger" loading={forget.isPending} onClick={confirm}>
          Forget the job
        </Button>
      </div>
    </div>
  )
}
