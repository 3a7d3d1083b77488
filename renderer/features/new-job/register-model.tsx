import { Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { ModelView } from '../../../protocol/control/views.ts'
import { errorText, useCommand } from '../../agent/queries.ts'
import { Problem } from '../../ui/problem.tsx'
import './new-job.css'

/** Registers a model file or folder of this machine. */
export const Register = (props: { readonly done: (model: ModelView) => void }) => {
  const [path, setPath] = useState('')
  const [name, setName] = useState('')
  const register = useCommand('registerModel')
  const suggested =
    path
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.onnx$/i, '') ?? ''
  const wanted = name.trim() === '' ? suggested : name.trim()
  const submit = (): void =>
    register.mutate({ body: { path: path.trim(), name: wanted } }, { onSuccess: props.done })
  return (
    <form
      className="form-inset"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <TextInput
        size="sm"
        className="form-grow"
        label="Model file or folder"
        placeholder="/home/anna/model.onnx"
        value={path}
        onChange={(event) => setPath(event.currentTarget.value)}
      />
      <TextInput
        size="sm"
        label="Name"
        placeholder={suggested}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button
        type="submit"
        size="sm"
        loading={register.isPending}
        disabled={path.trim() === '' || wanted === ''}
      >
        Register
      </Button>
      {register.error === null ? null : (
        <div className="form-whole">
          <Problem sentence={errorText(register.error)} />
        </div>
      )}
    </form>
  )
}
