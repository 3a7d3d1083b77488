import type { DeviceChoice, DevicePlan } from '../../devices/providers.ts'
import type { ScriptStartMessage } from '../../messages.ts'
import { loadScriptModel } from './model.ts'
import type { ScriptModel } from './model.ts'
import { startScript } from './runner.ts'
import type { ScriptRunner } from './runner.ts'

/** The scripts of one runtime process, one after the other. All that the next one finds is the model. */
export interface Scripts {
  /** A sentence says why it cannot run. */
  readonly start: (start: ScriptStartMessage) => Promise<ScriptRunner | string>
  /** A new plan of the agent for what computes the model. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

export const createScripts = (chosen: (choice: DeviceChoice) => void): Scripts => {
  let loaded: { readonly key: string; readonly model: ScriptModel | undefined } | undefined
  const load = async (start: ScriptStartMessage): Promise<string | undefined> => {
    const { modelName, modelPath } = start
    const key = `${modelName} ${modelPath}`
    if (loaded?.key === key) return undefined
    loaded = undefined
    const made =
      modelPath === null ? undefined : await loadScriptModel({ ...start, modelPath, chosen })
    if (made?.ok === false) return made.error.message
    loaded = { key, model: made?.value }
    return undefined
  }
  return {
    start: async (start) => (await load(start)) ?? startScript(start, loaded?.model),
    follow: async (plan) => await loaded?.model?.follow(plan),
  }
}
