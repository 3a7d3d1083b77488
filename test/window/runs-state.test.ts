import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeStepView } from '#test/support/run-fixture.ts'
import { makeRunView } from '#test/support/window-runs.ts'
import { parameterAbout, parseFields } from '../../renderer/features/runs/given-fields.ts'
import { layoutSteps } from '../../renderer/features/runs/layout.ts'
import { parametersText, stepsDone } from '../../renderer/features/runs/run-state.ts'
import { cronWords } from '../../renderer/features/schedules/cron-words.ts'

describe('the graph of steps', () => {
  /** Steps that need only earlier ones, as an agent lets them through. */
  const steps = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { maxLength: 30 }).map((needs) =>
    needs.map((of, at) => ({
      name: `s${at}`,
      needs: [...new Set(of.filter((one) => one < at).map((one) => `s${one}`))],
    })),
  )

  test('has each step once, right of all it needs, and no two in one place', () => {
    fc.assert(
      fc.property(steps, (given) => {
        const { placed, edges, columns, rows } = layoutSteps(given)
        expect(placed.map(({ step }) => step.name)).toEqual(given.map(({ name }) => name))
        expect(edges.length).toBe(given.reduce((sum, { needs }) => sum + needs.length, 0))
        for (const { from, to } of edges) expect(from.column).toBeLessThan(to.column)
        expect(new Set(placed.map(({ column, row }) => `${column} ${row}`)).size).toBe(given.length)
        for (const { column, row } of placed) {
          expect(column).toBeLessThan(columns)
          expect(row).toBeLessThan(rows)
        }
      }),
    )
  })

  test('ends with steps that need each other, or none that is there', () => {
    const circle = [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['a'] },
      { name: 'c', needs: ['gone'] },
    ]
    const { placed, columns } = layoutSteps(circle)
    expect(placed.map(({ column }) => column)).toEqual([0, 0, 0])
    expect(columns).toBe(1)
  })
})

describe('a run', () => {
  test('counts its steps and tells its parameters in a line', () => {
    const steps = [makeStepView('a', { state: 'Completed' }), makeStepView('b')]
    expect(stepsDone(makeRunView('p', { steps }))).toBe(1)
    expect(parametersText({ size: 10, photos: '/home/anna/2026', all: true })).toBe(
      'size 10 · photos 2026 · all true',
    )
  })

  test('is given fields a line each, and says which line is none', () => {
    expect(parseFields(' steps.find.mini_batch_size = 20\n\nname=a=b\nin_place=false')).toEqual({
      'steps.find.mini_batch_size': 20,
      name: 'a=b',
      in_place: false,
    })
    expect(parseFields('size')).toMatch(/^“size” is no field/)
    expect(parseFields('=3')).toMatch(/is no field/)
    expect(parameterAbout(['size', 'photos'], 'The parameter "photos" is not there.')).toBe(
      'photos',
    )
    expect(parameterAbout(['size'], 'The folder is gone.')).toBeUndefined()
  })
})

test.each([
  ['0 6 * * 1-5', 'Monday to Friday at 06:00'],
  ['0 0 6 * * mon-fri', 'Monday to Friday at 06:00'],
  ['30 22 * * 7', 'Sunday at 22:30'],
  ['15 8,20 * * *', 'every day at 08:15 and 20:15'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['5 * * * *', 'every hour at minute 5'],
  ['0 */4 * * *', 'every 4 hours'],
  ['0 3 1 * *', 'on day 1 of the month at 03:00'],
  ['0 3 * 2 *', undefined],
  ['15 4 1-7 * 6#1', undefined],
  ['* * *', undefined],
  ['0 25 * * *', undefined],
])('the schedule %s is told as %s', (expression, words) => {
  expect(cronWords(expression)).toBe(words)
})
