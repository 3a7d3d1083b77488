import { Tabs } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useSnapshot } from '../../agent/context.tsx'
import { useSettings } from '../../agent/settings-queries.ts'
import { Answer } from '../../ui/answer.tsx'
import { About } from './about.tsx'
import { Doctor } from './doctor.tsx'
import { SettingLine } from './setting-line.tsx'
import { isSettingsTab } from './settings-tabs.ts'
import './settings.css'

/** This machine: what its owner may set, what is wrong with it, what it is. */
export const SettingsPage = () => {
  const { agent } = useSnapshot()
  const { tab = 'settings' } = useSearch({ from: '/settings' })
  const navigate = useNavigate({ from: '/settings' })
  return (
    <>
      <header className="page-head">
        <h1>Settings</h1>
        <span className="sub">of {agent.name}</span>
      </header>
      <Tabs
        className="job-tabs"
        value={tab}
        keepMounted={false}
        onChange={(value) => {
          if (isSettingsTab(value)) void navigate({ search: { tab: value }, replace: true })
        }}
      >
        <Tabs.List aria-label="This machine">
          <Tabs.Tab value="settings">Settings</Tabs.Tab>
          <Tabs.Tab value="doctor">Doctor</Tabs.Tab>
          <Tabs.Tab value="about">About</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="settings">
          <Settings />
        </Tabs.Panel>
        <Tabs.Panel value="doctor">
          <Doctor />
        </Tabs.Panel>
        <Tabs.Panel value="about">
          <About />
        </Tabs.Panel>
      </Tabs>
    </>
  )
}

const Settings = () => {
  const settings = useSettings()
  return (
    <Answer of={settings} what="the settings">
      {({ settings: known }) => (
        <ul className="panel setting-list" aria-label="Settings">
          {known.map((setting) => (
            <SettingLine key={setting.key} setting={setting} />
          ))}
        </ul>
      )}
    </Answer>
  )
}
