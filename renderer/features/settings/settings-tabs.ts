const settingsTabs = ['settings', 'doctor', 'about'] as const

/** The parts of the page about this machine, as they stand in its address. */
export type SettingsTab = (typeof settingsTabs)[number]

export const isSettingsTab = (value: unknown): value is SettingsTab =>
  (settingsTabs as readonly unknown[]).includes(value)
