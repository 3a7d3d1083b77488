import manifest from '../package.json' with { type: 'json' }

/** Version of this agent, from package.json. */
export const agentVersion: string = manifest.version
