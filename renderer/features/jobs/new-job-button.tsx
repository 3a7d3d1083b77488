import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useSnapshot } from '../../agent/context.tsx'

/** The next step where there are no jobs yet: the form, or what must be done before. */
export const NewJobButton = () => {
  const { cluster } = useSnapshot()
  return cluster === null ? (
    <Button component={Link} to="/" size="sm">
      Create or join a cluster first
    </Button>
  ) : (
    <Button component={Link} to="/new-job" size="sm">
      Make a new job
    </Button>
  )
}
