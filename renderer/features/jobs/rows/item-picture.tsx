import { IconFile } from '@tabler/icons-react'
import { useState } from 'react'
import { pictureOf } from '../../../agent/queries.ts'
import './rows.css'

/** Pictures not larger than this are drawn with hard pixels, as digits and icons want it. */
const tinyPx = 64

/** The picture of an item; a file mark where there is none. */
export const ItemPicture = (props: {
  readonly job: string
  readonly item: number
  readonly name: string
}) => {
  const [look, setLook] = useState<'smooth' | 'pixels' | 'none'>('smooth')
  if (look === 'none') return <IconFile className="item-mark" aria-hidden="true" />
  return (
    <img
      className={look === 'pixels' ? 'item-picture pixels' : 'item-picture'}
      src={pictureOf(props.job, props.item)}
      alt={`Item ${props.name}`}
      decoding="async"
      onError={() => setLook('none')}
      onLoad={({ currentTarget }) =>
        setLook(currentTarget.naturalWidth <= tinyPx ? 'pixels' : 'smooth')
      }
    />
  )
}
