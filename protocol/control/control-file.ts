import { z } from 'zod'

/**
 * `control.json` in the home of a running agent: where its control API is and the token of this start.
 * Readable by its owner only, removed when the agent stops.
 */
export const controlFile = z.object({
  webAddress: z.string().describe('http://127.0.0.1:PORT'),
  token: z.string().describe('Bearer token, new with every start'),
  pid: z.int().min(1),
  peer: z.string().describe('PeerId of the agent'),
})
/** Where the agent of a home is reached and what proves that its owner asks. */
export type ControlFile = z.infer<typeof controlFile>

/** Name of that file in the home. */
export const controlFileName = 'control.json'
