/**
 * Bytes that go to another thread take the whole memory they are a view of along: a few of them out of a
 * large frame, or out of Node's pool, are copied first.
 */
export const own = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
