import { Link } from '@tanstack/react-router'

/** What was taken over from an earlier job and why, in the agent's words; the job is a link. */
export const Reuse = (props: {
  readonly sentence: string
  /** Id of the earlier job; empty if nothing was taken over. */
  readonly from: string
}) => {
  const { sentence, from } = props
  const named = `job ${from}`
  const at = from === '' ? -1 : sentence.indexOf(named)
  if (at < 0) return sentence
  return (
    <>
      {sentence.slice(0, at)}
      <Link to="/jobs/$job" params={{ job: from }} className="link inline">
        an earlier job
      </Link>
      {sentence.slice(at + named.length)}
    </>
  )
}
