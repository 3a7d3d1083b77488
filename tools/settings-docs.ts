import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { settingRules, settingText } from '#protocol/spec/settings.ts'
import type { SettingRule } from '#protocol/spec/settings.ts'

export const settingsDocsPath = fileURLToPath(new URL('../docs/settings.md', import.meta.url))

const [from, to] = ['<!-- generated: settings -->', '<!-- end of settings -->']

/** The file's text with its table made anew from the rules. */
export const freshSettingsDocs = (text: string): string => {
  const [start, end] = [text.indexOf(from), text.indexOf(to)]
  if (start < 0 || end < start) throw new Error('docs/settings.md lacks its markers')
  const rows = Object.entries<SettingRule>(settingRules).map(([key, rule]) => {
    const fallback = settingText(key, rule.fallback)
    const shown = fallback === '' ? '' : `\`${fallback}\``
    const effect = rule.effect === 'now' ? 'at once' : 'next start'
    return `| \`${key}\` | ${shown} | ${rule.allowed} | ${effect} | ${rule.description} |`
  })
  const table = [
    '| setting | default | allowed | effect | meaning |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ]
  return `${text.slice(0, start)}${from}\n\n${table.join('\n')}\n\n${text.slice(end)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await readFile(settingsDocsPath, 'utf8')
  await writeFile(settingsDocsPath, freshSettingsDocs(text))
  console.log(`wrote ${settingsDocsPath}`)
}
