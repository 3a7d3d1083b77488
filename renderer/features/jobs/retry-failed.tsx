import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { errorText, useCommand } from '../../agent/queries.ts'
import { formatPlural } from '../../ui/format.ts'

/** Makes a job of just the failed items, and goes to it. */
export const RetryFailed = (props: {
  readonly job: string
  /** Of a step of a run: its button stands in a table. */
  readonly step?: string
}) => {
  const { job, step } = props
  // One id for each time the button is drawn: pressing twice submits once.
  const [submissionId] = useState(() => crypto.randomUUID())
  const retry = useCommand('retryFailed')
  const navigate = useNavigate()
  const press = (): void =>
    retry.mutate(
      { query: { job }, body: { submissionId } },
      {
        onSuccess: ({ job: next, items, wholeMiniBatches }) => {
          notifications.show({ message: toldOf(items, wholeMiniBatches) })
          void navigate({ to: '/jobs/$job', params: { job: next.id } })
        },
        onError: (error) => notifications.show({ color: 'red', message: errorText(error) }),
      },
    )
  return (
    <Button
      size="compact-sm"
      variant="default"
      loading={retry.isPending}
      onClick={press}
      aria-label={step === undefined ? undefined : `Retry failed items of ${step}`}
    >
      Retry failed
    </Button>
  )
}

const toldOf = (items: number, wholeMiniBatches: number): string => {
  const tried = `${formatPlural(items, 'item')} ${items === 1 ? 'is' : 'are'} tried again.`
  return wholeMiniBatches === 0
    ? tried
    : `${tried} ${formatPlural(wholeMiniBatches, 'mini-batch', 'mini-batches')} are taken whole, since it is not known which of their items failed.`
}
