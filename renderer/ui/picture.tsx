import { IconFile } from '@tabler/icons-react'
import { useState } from 'react'
import { mayBePicture } from './may-be-picture.ts'
import './ui.css'

/** Pictures not larger than this are drawn with hard pixels, as digits and icons want it. */
const tinyPx = 64

/** A picture that may not be one: then a file mark stands in its place. */
export const Picture = (props: { readonly src: string; readonly name: string }) => {
  const [look, setLook] = useState<'smooth' | 'pixels' | 'none'>('smooth')
  if (look === 'none' || !mayBePicture(props.name))
    return <IconFile className="item-mark" aria-hidden="true" />
  return (
    <img
      className={look === 'pixels' ? 'item-picture pixels' : 'item-picture'}
      src={props.src}
      alt={`Item ${props.name}`}
      decoding="async"
      onError={() => setLook('none')}
      onLoad={({ currentTarget }) =>
        setLook(currentTarget.naturalWidth <= tinyPx ? 'pixels' : 'smooth')
      }
    />
  )
}
