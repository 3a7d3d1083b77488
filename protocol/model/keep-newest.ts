/** Deletes what was put into a map or set first until at most `most` are left: they remember the order. */
export const keepNewest = <Key>(
  held: Pick<Map<Key, unknown>, 'delete' | 'size'> & { readonly keys: () => Iterable<Key> },
  most: number,
): void => {
  for (const oldest of held.keys()) {
    if (held.size <= most) return
    held.delete(oldest)
  }
}
