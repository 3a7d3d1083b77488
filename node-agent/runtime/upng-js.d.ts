/** The part of upng-js that is used; the package brings no types. */
declare module 'upng-js' {
  /** A PNG whose data are inflated and unfiltered, as upng-js' own `decode` would give it. */
  interface OpenedPng {
    readonly width: number
    readonly height: number
    readonly depth: number
    readonly ctype: number
    /** Rows one after the other, each ending at a whole byte. */
    readonly data: Uint8Array
    readonly tabs: {
      readonly PLTE?: ArrayLike<number>
      /** Opacities for a palette, a number for gray, three for RGB. */
      readonly tRNS?: ArrayLike<number> | number
    }
  }
  const upng: {
    /** RGBA, 8 bits, one buffer a frame. */
    readonly toRGBA8: (png: OpenedPng) => ArrayBuffer[]
  }
  export = upng
}
