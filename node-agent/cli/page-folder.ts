import { fileURLToPath } from 'node:url'

/** `npm run build` puts the window here. */
export const pageFolder = fileURLToPath(new URL('../../dist/renderer', import.meta.url))
