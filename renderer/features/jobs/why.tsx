import type { QueryOf } from '../../../protocol/control/api.ts'
import { errorText, useExplain } from '../../agent/queries.ts'
import { Problem } from '../../ui/problem.tsx'
import './jobs.css'

/** The head's own sentences: why a job, or one mini-batch, is where it is. */
export const Why = (props: { readonly query: QueryOf<'explain'> }) => {
  const explain = useExplain(props.query, true)
  return (
    <section className="why" aria-label="Why" aria-live="polite" tabIndex={0}>
      {explain.error === null ? null : (
        <Problem sentence={errorText(explain.error)} retry={() => void explain.refetch()} />
      )}
      {explain.isPending ? <p className="muted">Asking the head …</p> : null}
      <ol>
        {explain.data?.lines.map((line, index) => (
          <li key={index}>{line}</li>
        ))}
      </ol>
    </section>
  )
}
