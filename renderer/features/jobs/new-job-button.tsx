import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'

/** The way to the form, where there are no jobs yet. */
export const NewJobButton = () => (
  <Button component={Link} to="/new-job" size="sm">
    Make a new job
  </Button>
)
