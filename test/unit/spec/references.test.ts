import { expect, it } from 'vitest'
import { cutReferences, parseReference } from '#protocol/spec/references.ts'

it.for([
  ['parameters.size', { kind: 'parameter', name: 'size' }],
  ['inputs.photos', { kind: 'parameter', name: 'photos' }],
  ['parent.inputs.photos', { kind: 'parameter', name: 'photos' }],
  ['steps.find.output', { kind: 'output', step: 'find' }],
  ['steps.find.outputs.found', { kind: 'output', step: 'find', output: 'found' }],
  ['parent.jobs.find.outputs.found', { kind: 'output', step: 'find', output: 'found' }],
  ['jobs.find', undefined],
  ['parent.parent.inputs.a', undefined],
  ['', undefined],
] as const)('reads %s', ([text, reference]) => {
  expect(parseReference(text)).toEqual(reference)
})

it('cuts a text at its references and keeps what stands between', () => {
  const size = { written: '${{ parameters.size }}', reference: { kind: 'parameter', name: 'size' } }
  expect(cutReferences('plain')).toEqual(['plain'])
  expect(cutReferences('')).toEqual([''])
  expect(cutReferences('${{ parameters.size }}')).toEqual([size])
  expect(cutReferences('a ${{ parameters.size }}b${{x}}')).toEqual([
    'a ',
    size,
    'b',
    { written: '${{x}}', reference: undefined },
  ])
})
