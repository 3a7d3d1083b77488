import type { AgentState } from './agent-process.ts'

/** What the shell says of the agent, in one sentence. */
export const stateSentence = (state: AgentState): string => {
  switch (state.kind) {
    case 'starting':
      return 'The agent is starting.'
    case 'running':
      return state.owned ? 'The agent is running.' : 'The agent is running on its own.'
    case 'restarting':
      return `${state.reason} It is started again in ${Math.ceil(state.inMs / 1_000)} s.`
    case 'stopped':
      return 'The agent is stopped.'
  }
}

/** A small page without scripts, shown until the agent's own page can be. */
export const waitingPage = (state: AgentState): string =>
  `data:text/html;charset=utf-8,${encodeURIComponent(`<!doctype html>
<html lang="en">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
  <title>Muster</title>
  <style>
    :root { color-scheme: light dark; font: 14px system-ui, sans-serif; }
    body { display: grid; place-content: center; height: 100vh; margin: 0; text-align: center; }
    p { max-width: 40rem; padding: 0 2rem; }
  </style>
  <h1>Muster</h1>
  <p>${escape(stateSentence(state))}</p>
</html>`)}`

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
