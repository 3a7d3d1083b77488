import { SegmentedControl, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'

/** Which states of a list are shown. */
export type ListState = 'all' | 'open' | 'ended' | 'failed'

const states: readonly { readonly value: ListState; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'ended', label: 'Ended' },
  { value: 'failed', label: 'Failed' },
]

/** Narrows a list by state and by a text. */
export const ListFilter = (props: {
  readonly state: ListState
  readonly setState: (state: ListState) => void
  readonly text: string
  readonly setText: (text: string) => void
  /** Accessible name of the text, and what it is compared with. */
  readonly find: string
  readonly hint: string
}) => (
  <>
    <SegmentedControl
      size="xs"
      value={props.state}
      onChange={props.setState}
      aria-label="State"
      data={[...states]}
    />
    <TextInput
      type="search"
      size="xs"
      className="search"
      aria-label={props.find}
      placeholder={props.hint}
      leftSection={<IconSearch size="0.875rem" />}
      value={props.text}
      onChange={(event) => props.setText(event.currentTarget.value)}
    />
  </>
)
