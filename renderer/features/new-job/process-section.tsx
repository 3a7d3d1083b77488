import { Button, SegmentedControl } from '@mantine/core'
import {
  isMap,
  isScripted,
  readsTable,
  suggestionFor,
  textOf,
  valueAt,
  withValue,
} from './draft.ts'
import type { Known } from './draft.ts'
import { FieldGrid } from './field-box.tsx'
import type { FormPart } from './field-box.tsx'
import { wayIn, wayOut } from './form-fields.ts'
import './new-job.css'

type Decode = keyof typeof wayIn

/** How items go into the model, and what becomes of its output; filled in from the model itself. */
export const ProcessSection = (props: FormPart & { readonly known: Known }) => {
  const { fields, change, known } = props
  if (isScripted(fields)) return null
  const suggestion = suggestionFor(fields, known)
  const decode = decodeOf(fields, known)
  const hasSeveral = Array.isArray(fields['postprocess'])
  const kind = textOf(valueAt(fields, ['postprocess', 'kind']))
  const suggest = (): void => {
    if (!isMap(suggestion)) return
    const { preprocess, postprocess } = suggestion
    change(withValue(withValue(fields, ['preprocess'], preprocess), ['postprocess'], postprocess))
  }
  return (
    <section className="form-part" aria-labelledby="new-process">
      <div className="form-head">
        <h2 id="new-process">In and out of the model</h2>
        <Button size="compact-xs" variant="subtle" disabled={!isMap(suggestion)} onClick={suggest}>
          As the model suggests
        </Button>
      </div>
      {typeof suggestion === 'string' ? <p className="muted small">{suggestion}</p> : null}
      {readsTable(fields, known.datasets) ? null : (
        <SegmentedControl
          size="xs"
          className="form-narrow"
          aria-label="What the files are"
          value={decode}
          onChange={(next) => change(withValue(fields, ['preprocess'], { decode: next }))}
          data={[
            { value: 'image', label: 'Images' },
            { value: 'tensor', label: 'Tensors' },
          ]}
        />
      )}
      <FieldGrid {...props} of={wayIn[decode]} />
      {hasSeveral ? (
        <p className="muted small">Its outputs become rows as the file says.</p>
      ) : (
        <FieldGrid {...props} of={wayOut(kind)} />
      )}
    </section>
  )
}

const decodeOf = (fields: FormPart['fields'], known: Known): Decode => {
  const written = textOf(valueAt(fields, ['preprocess', 'decode']))
  if (written === 'columns' || readsTable(fields, known.datasets)) return 'columns'
  return written === 'tensor' || valueAt(fields, ['preprocess', 'shape']) !== undefined
    ? 'tensor'
    : 'image'
}
