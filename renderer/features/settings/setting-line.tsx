import { Button, SegmentedControl, TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { SettingView } from '../../../protocol/control/care-views.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { settingsKey } from '../../agent/settings-queries.ts'
import { LongText } from '../../ui/long-text.tsx'
import { Problem } from '../../ui/problem.tsx'
import './settings.css'

/** One setting: what it means, what counts now, and the way to change it. */
export const SettingLine = (props: { readonly setting: SettingView }) => {
  const { setting } = props
  const queries = useQueryClient()
  const change = useCommand('changeSetting', () => {
    void queries.invalidateQueries({ queryKey: settingsKey })
  })
  const set = (value: string | null): void =>
    change.mutate({ body: { key: setting.key, value: value ?? null } })
  const choices = choicesOf(setting)
  const words = [sourceWords[setting.from], effectWords[setting.effect]].filter(Boolean)
  return (
    <li className="setting">
      <div className="setting-words">
        <h2 className="mono">{setting.key}</h2>
        <p className="muted small">{setting.description}.</p>
        {setting.note === '' ? null : (
          <p className="setting-note small" role="status">
            <LongText text={setting.note} />
          </p>
        )}
      </div>
      <div className="setting-value">
        {choices === undefined ? (
          <Written key={setting.text} {...{ setting, set }} isPending={change.isPending} />
        ) : (
          <SegmentedControl
            size="xs"
            aria-label={setting.key}
            value={setting.text}
            data={[...choices]}
            onChange={set}
          />
        )}
        {change.error === null ? null : <Problem sentence={errorText(change.error)} />}
        <div className="setting-foot muted small">
          <span>{words.join(' · ')}</span>
          {setting.from === 'setting' ? (
            <Button size="compact-xs" variant="subtle" onClick={() => set(null)}>
              Back to {setting.default === '' ? 'the default' : setting.default}
            </Button>
          ) : null}
        </div>
      </div>
    </li>
  )
}

const sourceWords: Readonly<Record<SettingView['from'], string>> = {
  default: 'default',
  setting: 'set here',
  'command-line': 'from the command line, until the agent stops',
}

const effectWords: Readonly<Record<SettingView['effect'], string>> = {
  now: '',
  'next-start': 'counts from the next start on',
}

/** Words to choose from, where there is nothing else; the agent says them as `all, own or none`. */
const choicesOf = ({ allowed }: SettingView): readonly string[] | undefined =>
  /^\w+(?:, \w+)* or \w+$/.test(allowed) ? allowed.split(/, | or /) : undefined

const Written = (props: {
  readonly setting: SettingView
  readonly set: (value: string) => void
  readonly isPending: boolean
}) => {
  const { setting, set, isPending } = props
  const [text, setText] = useState(setting.text)
  const isChanged = text.trim() !== setting.text
  return (
    <form
      className="setting-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (isChanged) set(text.trim())
      }}
    >
      <TextInput
        size="xs"
        aria-label={setting.key}
        description={setting.allowed}
        placeholder={setting.default === '' ? 'not set' : setting.default}
        inputWrapperOrder={['input', 'description']}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" size="xs" variant="default" loading={isPending} disabled={!isChanged}>
        Save
      </Button>
    </form>
  )
}
