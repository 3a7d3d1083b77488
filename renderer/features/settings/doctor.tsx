import { Button } from '@mantine/core'
import type { DoctorCheckView, DoctorView } from '../../../protocol/control/care-views.ts'
import { useDoctor } from '../../agent/settings-queries.ts'
import type { StateTone } from '../../theme/colours.ts'
import { Answer } from '../../ui/answer.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { StoreCheck } from './store-check.tsx'
import './settings.css'

type Level = DoctorView['level']

const levels: Readonly<Record<Level, { readonly tone: StateTone; readonly word: string }>> = {
  fail: { tone: 'failed', word: 'Wrong' },
  warn: { tone: 'retried', word: 'Look at it' },
  ok: { tone: 'committed', word: 'Fine' },
}

const order: readonly Level[] = ['fail', 'warn', 'ok']

/** What commonly goes wrong, worst first, and what to do. */
export const Doctor = () => {
  const doctor = useDoctor()
  return (
    <div className="doctor">
      <div className="doctor-bar">
        <span className="muted" role="status">
          {doctor.isFetching
            ? 'Looking at this machine …'
            : doctor.data === undefined
              ? ''
              : verdict(doctor.data)}
        </span>
        <Button
          size="compact-sm"
          variant="default"
          loading={doctor.isFetching}
          onClick={() => void doctor.refetch()}
        >
          Look again
        </Button>
      </div>
      <Answer of={doctor} what="the doctor">
        {({ checks }) => (
          <ul className="panel doctor-checks" aria-label="Checks">
            {checks
              .toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level))
              .map((check) => (
                <Check key={`${check.id} ${check.about}`} check={check} />
              ))}
          </ul>
        )}
      </Answer>
      <StoreCheck />
    </div>
  )
}

const verdict = ({ checks }: DoctorView): string => {
  const bad = checks.filter(({ level }) => level !== 'ok').length
  return bad === 0
    ? `All ${checks.length} checks are fine.`
    : `${bad} of ${checks.length} checks want a look.`
}

const Check = (props: { readonly check: DoctorCheckView }) => {
  const { about, level, message, advice, tried } = props.check
  return (
    <li className="doctor-check">
      <StateMark {...levels[level]} />
      <strong>{about}</strong>
      <div className="doctor-words">
        <p>{message}</p>
        {advice === '' ? null : <p className="doctor-advice">{advice}</p>}
        {level === 'ok' || tried.length === 0 ? null : (
          <ul className="doctor-tried">
            {tried.map(({ address, outcome }) => (
              <li key={address} className="small">
                <code className="mono">{address}</code> <span className="muted">{outcome}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  )
}
