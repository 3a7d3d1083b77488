import type { Capabilities } from '#protocol/model/member.ts'
import type { Settings } from '#protocol/spec/settings.ts'
import { presenceProtocol } from '#protocol/wire/presence/protocol.ts'
import type { Core } from './core.ts'
import { publishMachine, slotsNow } from './core-parts.ts'

/** The owner changed a setting: what it means is told to the roles and to the other members at once. */
export const settingsChanged = (
  core: Core,
  capabilities: Capabilities,
  { now, before }: { readonly now: Settings; readonly before: Settings },
): void => {
  core.book.describe(core.adapters.keys.self, capabilities)
  if (now.slots !== before.slots)
    core.worker.slotsChanged(slotsNow(core), 'Its owner changed the number of slots.')
  core.head.poolsChanged()
  if (now.rows !== before.rows || now.rowsQuota !== before.rowsQuota) core.keeper.policyChanged()
  announceMachine(core, capabilities)
}

/** Tells the other members, and the page, what this machine is now. */
export const announceMachine = (core: Core, capabilities: Capabilities): void => {
  const { transport, keys } = core.adapters
  core.book.describe(keys.self, capabilities)
  for (const peer of transport.connected())
    transport.send(peer, presenceProtocol, { kind: 'capabilities-changed', capabilities })
  publishMachine(core, keys.self)
}
