/** A decoded picture, 8 bits a sample, row by row from the top left, samples of a pixel side by side. */
export interface Pixels {
  readonly width: number
  readonly height: number
  /** 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA. */
  readonly channels: number
  readonly data: Uint8Array
}
