import { Button } from '@mantine/core'
import { Link, Outlet } from '@tanstack/react-router'
import type { LivePhase } from '../../agent/live-store.ts'
import { useAgent, useLive, useNow } from '../../agent/context.tsx'
import { CopyLine } from '../../ui/copy-line.tsx'
import { formatAge } from '../../ui/format.ts'
import { StateShape } from '../../ui/state-mark.tsx'
import { KeepsakeProvider } from '../machines/keepsake.tsx'
import { Rail } from './rail.tsx'
import './shell.css'

/** The frame of every page: rail at the left, a word about the agent when it is away, the page. */
export const Shell = () => {
  const { data, phase, problem } = useLive()
  const { signInProblem } = useAgent()
  if (data === undefined) {
    return (
      <main className="door">
        <Mark />
        {phase === 'signed-out' || signInProblem !== undefined ? (
          <SignedOut problem={signInProblem} />
        ) : (
          <Opening phase={phase} problem={problem} />
        )}
      </main>
    )
  }
  return (
    <KeepsakeProvider>
      <div className="shell">
        <a className="skip" href="#main" onClick={skipToMain}>
          Skip to content
        </a>
        <Rail />
        <div className="shell-page">
          <AwayBanner />
          <main id="main" tabIndex={-1}>
            <Outlet />
          </main>
        </div>
      </div>
    </KeepsakeProvider>
  )
}

/** The hash belongs to the router, so the skip link moves the focus itself. */
const skipToMain = (event: React.MouseEvent): void => {
  event.preventDefault()
  document.querySelector<HTMLElement>('#main')?.focus()
}

const Mark = () => (
  <div className="door-mark">
    <img src="./icon.svg" alt="" width={40} height={40} />
    <h1>Muster</h1>
  </div>
)

const SignedOut = (props: { readonly problem: string | undefined }) => (
  <div className="door-text" role="status">
    <p>
      {props.problem ?? 'This browser is not signed in to the agent.'} Open the window with a fresh
      link:
    </p>
    <CopyLine text="muster ui" what="command" />
  </div>
)

const Opening = (props: { readonly phase: LivePhase; readonly problem: string }) => (
  <div className="door-text" role="status">
    <p className="muted">
      {props.phase === 'away'
        ? 'The agent does not answer. Start it, and this page goes on by itself:'
        : props.problem === ''
          ? 'Asking the agent …'
          : props.problem}
    </p>
    {props.phase === 'away' ? <CopyLine text="muster agent" what="command" /> : null}
  </div>
)

const awayWords = {
  away: 'The agent does not answer; trying again.',
  'signed-out': 'The agent was restarted; sign in again with a fresh link.',
} as const

/** Says how old the state on the screen is when the agent is away. Its room is taken only then. */
const AwayBanner = () => {
  const { phase, freshAt, problem } = useLive()
  const now = useNow()
  if (phase === 'live' || phase === 'opening') return null
  return (
    <div className="away" role="status">
      <StateShape tone="retried" />
      <span className="away-text">
        {phase === 'failing' ? problem : awayWords[phase]}{' '}
        <span className="muted">Last known state, {formatAge(now - freshAt)}.</span>
      </span>
      {phase === 'failing' ? null : (
        <CopyLine text={phase === 'away' ? 'muster agent' : 'muster ui'} what="command" bare />
      )}
    </div>
  )
}

/** Shown by the router when no page has this address. */
export const NoPage = () => (
  <div className="door-text">
    <p>There is no page at this address.</p>
    <Button component={Link} to="/" variant="default">
      Go to the overview
    </Button>
  </div>
)
