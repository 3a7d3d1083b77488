import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import {
  IconBox,
  IconCalendarClock,
  IconCirclePlus,
  IconDatabase,
  IconDeviceDesktop,
  IconFlask,
  IconLayoutDashboard,
  IconMoon,
  IconRoute,
  IconSettings,
  IconStack2,
  IconSun,
} from '@tabler/icons-react'
import type { Icon } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useLive, useSnapshot } from '../../agent/context.tsx'
import { StateShape } from '../../ui/state-mark.tsx'
import { isPresent } from '../machines/machine-state.ts'

interface Place {
  readonly to: string
  readonly word: string
  readonly Icon: Icon
  /** Whether a gap stands above it: work, what it needs, this machine. */
  readonly isNewGroup?: true
}

const places: readonly Place[] = [
  { to: '/', word: 'Overview', Icon: IconLayoutDashboard },
  { to: '/new-job', word: 'New job', Icon: IconCirclePlus },
  { to: '/runs', word: 'Runs', Icon: IconRoute },
  { to: '/jobs', word: 'Jobs', Icon: IconStack2 },
  { to: '/experiments', word: 'Experiments', Icon: IconFlask },
  { to: '/schedules', word: 'Schedules', Icon: IconCalendarClock },
  { to: '/models', word: 'Models', Icon: IconBox, isNewGroup: true },
  { to: '/data', word: 'Data', Icon: IconDatabase },
  { to: '/machines', word: 'Machines', Icon: IconDeviceDesktop },
  { to: '/settings', word: 'Settings', Icon: IconSettings, isNewGroup: true },
]

/** The left rail; under 1100 px it shows icons only. */
export const Rail = () => (
  <div className="rail">
    <div className="rail-mark">
      <img src="./icon.svg" alt="" width={24} height={24} />
      <span className="rail-word">Muster</span>
    </div>
    <nav aria-label="Pages">
      {places.map(({ to, word, Icon, isNewGroup }) => (
        <Link
          key={to}
          to={to}
          className={isNewGroup === true ? 'rail-item new-group' : 'rail-item'}
          activeProps={{ className: 'active' }}
          activeOptions={{ exact: to === '/' }}
          title={word}
        >
          <Icon size="1.125rem" stroke={1.6} aria-hidden="true" />
          <span className="rail-word">{word}</span>
          <RailCount to={to} />
        </Link>
      ))}
    </nav>
    <div className="rail-foot">
      <Head />
      <SchemeSwitch />
    </div>
  </div>
)

/** Running jobs and present machines, beside their words. */
const RailCount = (props: { readonly to: string }) => {
  const { jobs, machines } = useSnapshot()
  const count =
    props.to === '/jobs'
      ? jobs.filter(({ endedAt }) => endedAt === null).length
      : props.to === '/machines'
        ? machines.filter(isPresent).length
        : 0
  return count === 0 ? null : <span className="rail-count">{count}</span>
}

/** Name and state of the cluster's head. */
const Head = () => {
  const { cluster, machines, agent } = useSnapshot()
  const { phase } = useLive()
  if (cluster === null) {
    return (
      <div className="rail-head" title={`${agent.name} · not in a cluster`}>
        <StateShape tone="waiting" />
        <span className="rail-word clip">
          {agent.name}
          <small>not in a cluster</small>
        </span>
      </div>
    )
  }
  const head = machines.find(({ isHead }) => isHead)
  const here = phase === 'live' && head !== undefined && isPresent(head)
  const word = phase === 'live' ? (here ? 'head' : 'head is away') : 'not known now'
  return (
    <div className="rail-head" title={`${cluster.name} · head: ${cluster.headName}, ${word}`}>
      <StateShape tone={here ? 'committed' : 'retried'} />
      <span className="rail-word clip">
        {cluster.headName === '' ? cluster.name : cluster.headName}
        <small>
          {word} · {cluster.name}
        </small>
      </span>
    </div>
  )
}

const SchemeSwitch = () => {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false })
  const other = scheme === 'dark' ? 'light' : 'dark'
  return (
    <Tooltip label={`Switch to ${other}`} position="right" openDelay={300}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Switch to ${other}`}
        onClick={() => setColorScheme(other)}
      >
        {scheme === 'dark' ? <IconSun size="1.125rem" /> : <IconMoon size="1.125rem" />}
      </ActionIcon>
    </Tooltip>
  )
}
