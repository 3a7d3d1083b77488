import { createContext, use, useEffect, useState, useSyncExternalStore } from 'react'
import type { ReactNode } from 'react'
import type { ControlClient } from '../../protocol/control/client.ts'
import type { SnapshotView } from '../../protocol/control/views.ts'
import type { LiveState, LiveStore } from './live-store.ts'
import type { LoadHistory } from './load-history.ts'

/** Everything the page needs of the agent. Made once in `main.tsx`. */
export interface Agent {
  readonly client: ControlClient
  readonly live: LiveStore
  readonly loads: LoadHistory
  /** Why the sign-in link did not work; undefined when it did or none was given. */
  readonly signInProblem: string | undefined
}

const AgentContext = createContext<Agent | undefined>(undefined)

export const AgentProvider = (props: { readonly agent: Agent; readonly children: ReactNode }) => {
  const { agent } = props
  useEffect(() => {
    const stop = new AbortController()
    void agent.live.run(stop.signal)
    const timer = setInterval(() => {
      const { phase, data } = agent.live.state()
      if (phase === 'live' && data !== undefined) agent.loads.note(data.machines, Date.now())
    }, 1_000)
    return () => {
      clearInterval(timer)
      stop.abort()
    }
  }, [agent])
  return <AgentContext value={agent}>{props.children}</AgentContext>
}

export const useAgent = (): Agent => {
  const agent = use(AgentContext)
  if (agent === undefined) throw new Error('useAgent needs an AgentProvider above it')
  return agent
}

export const useLive = (): LiveState => {
  const { live } = useAgent()
  return useSyncExternalStore(live.subscribe, live.state)
}

/** The last known state. Only for pages, which are shown once there is one. */
export const useSnapshot = (): SnapshotView => {
  const { data } = useLive()
  if (data === undefined)
    throw new Error('useSnapshot needs a state; show pages only when there is one')
  return data
}

/** The time, once every `everyMs`, for ages on the screen. */
export const useNow = (everyMs = 1_000): number => {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}
