import type { ImagePreprocess, Postprocess } from '#protocol/model/processing.ts'

/** Pre- and postprocessing of `stripeClassifier`'s pictures: 8 x 8, gray, 0 to 1, unless told otherwise. */
export const processing = (
  preprocess: Partial<ImagePreprocess> = {},
  postprocess: Partial<Postprocess> = {},
): { preprocess: ImagePreprocess; postprocess: Postprocess[] } => ({
  preprocess: {
    decode: 'image',
    width: 8,
    height: 8,
    fit: 'stretch',
    channels: 'gray',
    layout: 'NCHW',
    dtype: 'float32',
    scale: 1 / 255,
    mean: [],
    std: [],
    ...preprocess,
  },
  postprocess: [{ kind: 'argmax', softmax: false, k: 3, labels: [], ...postprocess }],
})
