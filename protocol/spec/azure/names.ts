/** Small letters, digits and hyphens, 3 to 32 of them, a letter first and no hyphen last. */
export const jobNameOf = (written: string): string => {
  const plain = written
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 32)
    .replace(/-+$/, '')
  return plain.length >= 3 ? plain : `step-${plain}`.replace(/-+$/, '')
}
