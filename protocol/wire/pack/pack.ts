/**
 * A pack: the files that one attempt left, as one blob. It begins with a line of fixed length that no other
 * pack has, so that no two attempts share a blob and each can be deleted with its job; then come the files'
 * bytes, one behind the other. What they are called and how long they are stands in the result chunk.
 */

/** Bytes before the first file. */
export const packHeadBytes = 50

/** The first line. `id` is a UUID: 36 characters. */
export const packHead = (id: string): string => `muster files ${id}\n`

/** Whether a blob that begins so is a pack, and may go with its job. */
export const isPackHead = (head: string): boolean => /^muster files [0-9a-f-]{36}\n$/.test(head)
