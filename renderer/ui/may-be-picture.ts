const endings = 'avif bmp gif jfif jpe jpeg jpg png webp'.split(' ')

/**
 * Whether an item is worth asking for its picture: its bytes would come from another machine only to be no
 * picture. What ends like nothing may be one.
 */
export const mayBePicture = (name: string): boolean => {
  const [, ending] = /\.([^./\\]*)$/.exec(name) ?? []
  return ending === undefined || endings.includes(ending.toLowerCase())
}
