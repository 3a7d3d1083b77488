import { useMediaQuery } from '@mantine/hooks'

/** How much larger than on a usual screen everything is drawn; the same limit as in theme/base.css. */
export const useScale = (): number => (useMediaQuery('(min-width: 2800px)') ? 1.25 : 1)
