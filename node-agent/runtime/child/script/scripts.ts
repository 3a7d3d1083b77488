import type { DeviceChoice, DevicePlan } from '../../devices/providers.ts'
import type { ScriptStartMessage } from '../../messages.ts'
import { loadScriptModel } from './model.ts'
import type { ScriptModel } from './model.ts'
import { startScript } from './runner.ts'
import type { ScriptRunner } from './runner.ts'

/** The scripts of one runtime process, one after the other. All that the next one finds are the models. */
export interface Scripts {
  /** A sentence says why it cannot run. */
  readonly start: (start: ScriptStartMessage) => Promise<ScriptRunner | string>
  /** A new plan of the agent for what computes the models. */
  readonly follow: (plan: DevicePlan) => Promise<void>
}

export const createScripts = (chosen: (choice: DeviceChoice) => void): Scripts => {
  let loaded: { readonly key: string; readonly models: readonly ScriptModel[] } | undefined
  const load = async (start: ScriptStartMessage): Promise<string | undefined> => {
    const key = JSON.stringify(
      start.models.map(({ modelName, modelPath }) => [modelName, modelPath]),
    )
    if (loaded?.key === key) return undefined
    loaded = undefined
    const models: ScriptModel[] = []
    for (const model of start.models) {
      const made = await loadScriptModel({ ...start, ...model, chosen })
      if (!made.ok) return made.error.message
      models.push(made.value)
    }
    loaded = { key, models }
    return undefined
  }
  return {
    start: async (start) => (await load(start)) ?? startScript(start, loaded?.models ?? []),
    follow: async (plan) => {
      for (const model of loaded?.models ?? []) await model.follow(plan)
    },
  }
}
