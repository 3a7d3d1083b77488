import { ActionIcon, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import './ui.css'

/** A command, path or code that a person will want elsewhere, with a button that copies it. */
export const CopyLine = (props: {
  readonly text: string
  /** What it is, for the button's name: "command", "output path". */
  readonly what: string
  /** Without its box, inside a line of other facts. */
  readonly bare?: boolean
}) => (
  <span className={props.bare === true ? 'copy-line bare' : 'copy-line'}>
    <code className="mono clip" title={props.text}>
      {props.text}
    </code>
    <CopyAction text={props.text} what={props.what} />
  </span>
)

export const CopyAction = (props: { readonly text: string; readonly what: string }) => (
  <CopyButton value={props.text} timeout={1_500}>
    {({ copied, copy }) => (
      <Tooltip label={copied ? 'Copied' : `Copy ${props.what}`} openDelay={300}>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          onClick={copy}
          aria-label={copied ? 'Copied' : `Copy ${props.what}`}
        >
          {copied ? <IconCheck size="0.875rem" /> : <IconCopy size="0.875rem" />}
        </ActionIcon>
      </Tooltip>
    )}
  </CopyButton>
)
