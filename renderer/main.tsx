import './agent/no-eval.ts'
import '@fontsource-variable/inter/wght.css'
import '@fontsource/jetbrains-mono/400.css'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './theme/base.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createControlClient } from '../protocol/control/client.ts'
import { AgentProvider } from './agent/context.tsx'
import { createLiveStore } from './agent/live-store.ts'
import { createLoadHistory } from './agent/load-history.ts'
import { signIn } from './agent/sign-in.ts'
import { createPageRouter } from './router.tsx'
import { cssVariables, theme } from './theme/theme.ts'

/** Resolves after so long, or at once when aborted. */
const wait = async (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

const start = async (): Promise<void> => {
  const element = document.querySelector('#root')
  if (element === null) return
  // A fresh link for the page that is open already, as the desktop window gives after a restart of the
  // agent: the browser would only change the hash.
  addEventListener('hashchange', () => {
    if (location.hash.startsWith('#code=')) location.reload()
  })
  // Before the router looks at the address: the sign-in code stands where pages do.
  const signInProblem = await signIn()
  const client = createControlClient({ baseUrl: '' })
  const agent = {
    client,
    live: createLiveStore({ client, now: Date.now, wait }),
    loads: createLoadHistory(),
    signInProblem,
  }
  const queries = new QueryClient({
    // The agent is on this machine: being offline says nothing about it.
    defaultOptions: { queries: { networkMode: 'always', retry: 1, refetchOnWindowFocus: false } },
  })
  const router = createPageRouter()
  createRoot(element).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <Notifications position="bottom-right" limit={3} autoClose={4_000} />
        <QueryClientProvider client={queries}>
          <AgentProvider agent={agent}>
            <RouterProvider router={router} />
          </AgentProvider>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}

void start()
