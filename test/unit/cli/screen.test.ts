import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { printError } from '#agent/cli/print-error.ts'
import { createScreen, safe } from '#agent/cli/screen.ts'
import { printFields, printTable } from '#agent/cli/table.ts'
import { musterError } from '#protocol/errors.ts'

/** A stream that says it is a terminal of this width, and what was written to it. */
const terminal = (columns?: number) => {
  const stream = Object.assign(
    new PassThrough(),
    columns === undefined ? {} : { isTTY: true, columns },
  )
  let written = ''
  stream.on('data', (part: Buffer) => (written += part.toString()))
  return { stream, text: () => written }
}

const open = (columns?: number) => {
  const out = terminal(columns)
  const err = terminal(columns)
  return { screen: createScreen(out.stream, err.stream), out: out.text, err: err.text }
}

describe('a progress line', () => {
  test('is replaced by the next one and cleared by other text', async () => {
    const { screen, out, err } = open(40)
    screen.progress('1 / 10')
    screen.progress('2 / 10')
    await screen.line('Running')
    screen.note('done')
    expect(err()).toBe('\r\u001b[2K1 / 10\r\u001b[2K2 / 10\r\u001b[2Kdone\n')
    expect(out()).toBe('Running\n')
  })

  test('never wraps', () => {
    const { screen, err } = open(10)
    screen.progress('0123456789abc')
    expect(err()).toBe('\r\u001b[2K012345678')
  })

  test('is not written where there is no terminal', () => {
    const { screen, err } = open()
    screen.progress('1 / 10')
    expect([err(), screen.hasProgress]).toEqual(['', false])
  })
})

describe('a table', () => {
  const rows = [
    { name: 'anna', size: '7' },
    { name: '日本', size: '1,000' },
    { name: 'e\u0301va', size: '12' },
  ]
  const columns = [
    { title: 'NAME', text: ({ name }: (typeof rows)[0]) => name },
    { title: 'SIZE', text: ({ size }: (typeof rows)[0]) => size, right: true },
    { title: '', text: () => '' },
  ]

  test('is aligned, also with wide characters and accents, and ends no line in spaces', async () => {
    const { screen, out } = open()
    await printTable(screen, columns, rows)
    expect(out()).toBe('NAME   SIZE\nanna      7\n日本  1,000\ne\u0301va      12\n')
  })

  test('is cut at the edge of a terminal only', async () => {
    const { screen, out } = open(8)
    await printTable(screen, columns, rows)
    for (const line of out().split('\n').slice(1, 3)) expect(line).toMatch(/…$/)
  })

  test('shows control characters instead of obeying them', async () => {
    const { screen, out } = open()
    await printFields(screen, [
      ['A', 'x\u001b[31my\r\nz'],
      ['Empty', ''],
    ])
    expect(out()).toBe('A  x\ufffd[31my\ufffd\ufffdz\n')
    expect(safe('a\u009b31m\u202eb')).toBe('a\ufffd31m\ufffdb')
  })
})

test('an error keeps the lines that follow its sentence, indented and without control characters', () => {
  const { screen, err } = open()
  const message = 'It is Python.\n\nexport async function run() {\n  \u001b[2J}\n'
  printError({ json: false, screen }, musterError('JobFileInvalid', message))
  expect(err()).toBe('It is Python.\n\n  export async function run() {\n    \ufffd[2J}\n\n')
})
