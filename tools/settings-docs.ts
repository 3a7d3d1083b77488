// Writes the table of docs/settings.md from the rules of settings:
//
//   node tools/pinned-node.mjs tools/settings-docs.ts
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { settingRules, settingText } from '#protocol/spec/settings.ts'
import type { SettingRule } from '#protocol/spec/settings.ts'
import { withParts } from './doc-parts.ts'

export const settingsDocsPath = fileURLToPath(new URL('../docs/settings.md', import.meta.url))

/** The file's text with its table made anew from the rules. */
export const freshSettingsDocs = (text: string): string => {
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
  return withParts('docs/settings.md', text, { settings: table.join('\n') })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await readFile(settingsDocsPath, 'utf8')
  await writeFile(settingsDocsPath, freshSettingsDocs(text))
  console.log(`wrote ${settingsDocsPath}`)
}
