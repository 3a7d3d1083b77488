import { pictureOf } from '../../../agent/queries.ts'
import { Picture } from '../../../ui/picture.tsx'

/** The picture of an item of a job; a file mark where there is none. */
export const ItemPicture = (props: {
  readonly job: string
  readonly item: number
  readonly name: string
}) => <Picture src={pictureOf(props.job, props.item)} name={props.name} />
