import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation } from '@tanstack/react-query'
import { errorText } from '../agent/queries.ts'

/** One button: what it does is what the thing is not. `act` resolves to the sentence that is shown then. */
export const PauseButton = (props: {
  readonly isPaused: boolean
  /** Accessible name, where the label alone does not say of what. */
  readonly of?: string
  readonly act: () => Promise<string>
}) => {
  const { isPaused, of, act } = props
  const label = isPaused ? 'Resume' : 'Pause'
  const acting = useMutation({
    mutationFn: act,
    networkMode: 'always',
    onSuccess: (message) => notifications.show({ message }),
    onError: (error) => notifications.show({ color: 'red', message: errorText(error) }),
  })
  return (
    <Button
      size="compact-sm"
      variant="default"
      aria-label={of === undefined ? undefined : `${label} ${of}`}
      loading={acting.isPending}
      onClick={() => acting.mutate()}
    >
      {label}
    </Button>
  )
}
