import { readFile } from 'node:fs/promises'
import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { checkSetting, settingRules, settingText, toSettings } from '#protocol/spec/settings.ts'
import { freshSettingsDocs, settingsDocsPath } from '../../../tools/settings-docs.ts'

/** What prettier makes of a table is the same table. */
const bare = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---')

test('docs/settings.md is what the rules say', async () => {
  const text = await readFile(settingsDocsPath, 'utf8')
  expect(bare(freshSettingsDocs(text))).toBe(bare(text))
})

test('every default stands without a setting, and values read as they are written', () => {
  expect(toSettings({})).toMatchObject({ slots: 'auto', rows: 'all', inPlace: true, shares: {} })
  for (const [key, value] of [
    ['slots', 'auto'],
    ['slots', 7],
    ['rows', 'own'],
    ['rows-quota', 512 * 1024 ** 2],
    ['in-place', false],
    ['mdns', true],
  ] as const) {
    const read = checkSetting(key, settingText(key, value))
    expect(read).toEqual({ ok: true, value })
  }
})

test.prop([fc.string(), fc.jsonValue()])(
  'whatever is stored or asked gives settings or a sentence',
  (key, value) => {
    for (const name of [key, `share.${key}`, ...Object.keys(settingRules)]) {
      const checked = checkSetting(name, value)
      if (!checked.ok) expect(checked.error.message).toMatch(/^".*[.?]$/su)
      const settings = toSettings({ [name]: value })
      expect(settings.rowsQuota).toBeGreaterThanOrEqual(0)
      expect(Object.values(settings.shares).every((folder) => folder !== '')).toBe(true)
    }
  },
)
