/** The part of upng-js that is used; the package brings no types. */
declare module 'upng-js' {
  interface DecodedPng {
    readonly width: number
    readonly height: number
    /** Samples as in the file, without filters; absent if the file has no end. */
    readonly data?: Uint8Array
  }
  const upng: {
    /** Throws (also plain strings) on broken data; checks neither checksums nor lengths. */
    readonly decode: (bytes: Uint8Array) => DecodedPng
    /** RGBA, 8 bits, one buffer a frame. */
    readonly toRGBA8: (png: DecodedPng) => ArrayBuffer[]
  }
  export = upng
}
