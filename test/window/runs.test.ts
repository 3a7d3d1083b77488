import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser, whyNoBrowser } from '#test/support/browser.ts'
import { openWindowBrowser } from '#test/support/window-browser.ts'
import type { WindowBrowser } from '#test/support/window-browser.ts'
import { littleData, muchData, noData } from '#test/support/window-data.ts'
import { findAxeFailures, goTo, scrollsSideways } from '#test/support/window-page.ts'

const program = await findBrowser()
if (program === undefined) console.warn(`SKIPPED: ${whyNoBrowser}`)

/** Runs, experiments and schedules, over made-up data. */
describe.skipIf(program === undefined)('the window on runs', () => {
  let window: WindowBrowser
  beforeAll(async () => {
    window = await openWindowBrowser(program)
  })
  afterAll(() => window[Symbol.asyncDispose]())

  const amounts = { none: noData, little: littleData, much: muchData }
  const sizes = [
    [1_280, 720],
    [3_840, 2_160],
  ] as const
  for (const [amount, dataOf] of Object.entries(amounts))
    for (const [width, height] of sizes)
      for (const scheme of ['light', 'dark'] as const) {
        if (width > 2_000 && (scheme === 'dark') !== (amount === 'little')) continue
        test(`shows ${amount} runs at ${width} x ${height}, ${scheme}`, async () => {
          const data = dataOf()
          await using open = await window.open(data, '/runs', { width, height, scheme })
          const { page } = open
          const [run] = data.runs
          const places = ['/runs', '/experiments', '/schedules']
          if (run !== undefined) {
            places.push(`/runs/${run.id}`, `/experiments/${run.experiment}`)
            places.push(`/experiments/${data.runs.at(-1)?.experiment ?? ''}`)
            places.push(...data.runs.slice(1, 3).map(({ id }) => `/runs/${id}`))
          }
          for (const place of places) {
            await goTo(page, place)
            await settled(page)
            await window.shoot(page, `${amount}-${width}-${scheme}${place.replaceAll('/', '-')}`)
            if (width < 2_000) expect(await findAxeFailures(page), place).toEqual([])
            expect(await scrollsSideways(page), `${place} scrolls sideways`).toBe(false)
          }
          expect(open.complaints).toEqual([])
        })
      }

  test('keeps hundreds of runs in few elements, and finds one by its parameter', async () => {
    await using open = await window.open(muchData(), '/runs')
    const { page } = open
    await page.getByText('the newest 500 runs').waitFor()
    const rows = page.locator('.list-row')
    expect(await rows.count()).toBeLessThan(60)
    await page.getByLabel('Find a run').fill('whole-archive')
    await page.getByText('1 of the newest 500 runs').waitFor()
    await expect.poll(() => rows.count()).toBe(1)
    await page.getByLabel('Find a run').fill('no such run')
    await page.getByText('No run fits this filter.').waitFor()
    expect(open.complaints).toEqual([])
  })

  test('goes from a run to the job of a step by keyboard, and back', async () => {
    const data = littleData()
    await using open = await window.open(data, '/runs')
    const { page } = open
    await page.getByRole('link', { name: 'shelf-photos' }).first().press('Enter')
    await page.getByText('2 / 4 steps done').waitFor()
    const graph = page.getByRole('region', { name: 'Steps of shelf-photos' })
    await graph.getByRole('link', { name: /read-digits/ }).press('Enter')
    await page.getByRole('heading', { name: /digits$/ }).waitFor()
    await page.goBack()
    await page.getByText('2 / 4 steps done').waitFor()
    const taken = page.getByRole('row', { name: /^find/ })
    await taken.getByText('320 of 400 mini-batches were taken over from').waitFor()
    await taken.getByRole('link', { name: 'an earlier job' }).press('Enter')
    await page.getByRole('heading', { name: data.jobs[1]?.name ?? '' }).waitFor()
    expect(open.complaints).toEqual([])
  })

  test('follows a run as its jobs change', async () => {
    const data = littleData()
    const [run] = data.runs
    await using open = await window.open(data, `/runs/${run?.id ?? ''}`)
    const { page, fixture } = open
    await page.getByText('2 / 4 steps done').waitFor()
    fixture.changeRuns((runs) =>
      runs.map((known) =>
        known.id === run?.id
          ? {
              ...known,
              state: 'Completed',
              endedAt: Date.now(),
              steps: known.steps.map((step) => ({ ...step, state: 'Completed' as const })),
            }
          : known,
      ),
    )
    fixture.tell({ kind: 'job-changed', job: { ...data.jobs[0]!, state: 'Completed' } })
    await page.getByText('4 / 4 steps done').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' })
  })

  test('exports the rows of a step, and tries its failed items again', async () => {
    const data = littleData()
    const failed = data.runs[2]!
    await using open = await window.open(data, `/runs/${failed.id}`)
    const { page, fixture } = open
    const row = page.getByRole('row', { name: /^find/ })
    await row.getByText('More than 20 items failed').waitFor()
    await page.getByRole('row', { name: /^sort/ }).getByText('It needs find').waitFor()
    await row.getByRole('button', { name: 'Export rows of find' }).click()
    const saved = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'CSV' }).click()
    const file = await saved
    expect(await readFile(await file.path(), 'utf8')).toBe(`rows of ${failed.steps[0]!.job}`)
    await row.getByRole('button', { name: 'Retry failed items of find' }).click()
    await page.getByRole('heading', { name: 'find-retry' }).waitFor()
    await page.getByText('21 items are tried again.').waitFor()
    expect(fixture.commands.map(({ name, query }) => [name, query])).toEqual([
      ['retryFailed', { job: failed.steps[0]!.job }],
    ])
  })

  test('cancels a run after asking', async () => {
    const data = littleData()
    await using open = await window.open(data, `/runs/${data.runs[0]!.id}`)
    const { page, fixture } = open
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('All its jobs stop').waitFor()
    expect(fixture.commands).toEqual([])
    await page.getByRole('button', { name: 'Cancel the run' }).click()
    await page.getByText('Canceling', { exact: true }).first().waitFor()
    expect(fixture.commands.map(({ name }) => name)).toEqual(['cancelPipeline'])
  })

  test('pauses a run and lets it go on', async () => {
    const data = littleData()
    await using open = await window.open(data, `/runs/${data.runs[0]!.id}`)
    const { page, fixture } = open
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    expect(fixture.commands.map(({ name }) => name)).toEqual(['pausePipeline', 'resumePipeline'])
  })

  test('submits a run anew with other parameters; refusals stand at their field', async () => {
    const data = littleData()
    await using open = await window.open(data, `/runs/${data.runs[1]!.id}`)
    const { page, fixture } = open
    await page.getByRole('button', { name: 'Resubmit' }).click()
    const form = page.getByRole('dialog')
    const confidence = form.getByLabel('confidence')
    await expect.poll(() => confidence.inputValue()).toBe('0.4')
    await confidence.fill('2')
    await form.getByText('1 change.').waitFor()
    await form.getByRole('button', { name: 'Submit' }).click()
    await form.getByText('must be from 0 to 1').waitFor()
    expect(await confidence.getAttribute('aria-invalid')).toBe('true')
    await window.shoot(page, 'run-resubmit-refused')
    expect(await findAxeFailures(page)).toEqual([])
    await confidence.fill('0.7')
    const fields = form.getByLabel('Other fields')
    await fields.fill('no sense')
    await form.getByText('“no sense” is no field').waitFor()
    expect(await form.getByRole('button', { name: 'Submit' }).isDisabled()).toBe(true)
    await fields.fill('color=red')
    await form.getByRole('button', { name: 'Submit' }).click()
    await form.getByText('The file has no field "color".').waitFor()
    await fields.fill('steps.find.mini_batch_size=20')
    await form.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('0 / 2 steps done').waitFor()
    expect(fixture.commands.at(-1)?.body).toMatchObject({
      parameters: { confidence: '0.7' },
      overrides: { 'steps.find.mini_batch_size': 20 },
      regenerate: false,
    })
  })

  test('says where a run can be submitted anew when it was submitted elsewhere', async () => {
    const data = littleData()
    const run = { ...data.runs[1]!, submitter: 'peer-1', submitterName: 'ben' }
    await using open = await window.open({ ...data, runs: [run] }, `/runs/${run.id}`)
    await open.page.getByRole('button', { name: 'Resubmit' }).click()
    await open.page.getByText('This run was submitted on ben').waitFor()
    await open.page.getByText(`muster job resubmit ${run.id}`).waitFor()
  })

  test('sets chosen runs of an experiment side by side and marks what differs', async () => {
    const data = littleData()
    await using open = await window.open(data, '/experiments/shelves')
    const { page } = open
    const table = page.getByRole('region', { name: 'Runs side by side' })
    await page.getByText('3 of 3 runs compared').waitFor()
    await table.getByRole('row', { name: /parameters.confidence differs/ }).waitFor()
    await page.getByText('1 setting differs, 15 are the same.').waitFor()
    await page.getByRole('switch', { name: 'Only what differs' }).press('Space')
    await expect.poll(() => page.locator('.comparison-settings tr').count()).toBe(1)
    await window.shoot(page, 'experiment-differs')
    const box = page.getByRole('checkbox').first()
    await box.press('Space')
    await page.getByText('2 of 3 runs compared').waitFor()
    await expect.poll(() => table.locator('thead th').count()).toBe(3)
    await page.getByText('0 settings differ, 16 are the same.').waitFor()
    await page.getByRole('button', { name: 'None' }).click()
    await page.getByText('Choose runs at the left').waitFor()
    expect(open.complaints).toEqual([])
  })

  test('pauses a schedule and lets it go on, and removes it after asking', async () => {
    const data = littleData()
    await using open = await window.open(data, '/schedules')
    const { page, fixture } = open
    await page.getByText('Monday to Friday at 06:00').waitFor()
    await page.getByText('its input folder', { exact: false }).first().waitFor()
    await page
      .getByRole('row', { name: /^nightly-scans/ })
      .getByText('Completed')
      .waitFor()
    expect(await page.getByRole('button', { name: 'Remove stock-take' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Pause incoming' }).click()
    const incoming = page.getByRole('row', { name: /^incoming/ })
    await incoming.getByText('Paused').waitFor()
    await page.getByRole('button', { name: 'Resume incoming' }).click()
    await page.getByRole('button', { name: 'Pause incoming' }).waitFor()
    await page.getByRole('button', { name: 'Remove incoming' }).click()
    await page.getByText('No further run starts by it').waitFor()
    expect(await findAxeFailures(page)).toEqual([])
    await page.getByRole('button', { name: 'Remove the schedule' }).click()
    await page.getByText('2 schedules').waitFor()
    expect(fixture.commands.map(({ name }) => name)).toEqual([
      'pauseSchedule',
      'resumeSchedule',
      'removeSchedule',
    ])
  })

  test('keeps what is known of runs while the agent is away, with its age', async () => {
    const data = littleData()
    await using open = await window.open(data, '/runs')
    const { page, fixture } = open
    await page.getByText('5 runs').waitFor()
    await goTo(page, `/runs/${data.runs[1]!.id}`)
    await page.getByText('2 / 2 steps done').waitFor()
    await fixture[Symbol.asyncDispose]()
    await page.getByText('The agent does not answer').waitFor()
    await page.getByText(/Last known state, \d+ s ago/).waitFor()
    await page.getByText('2 / 2 steps done').waitFor()
    await goTo(page, '/runs')
    await page.getByText('5 runs').waitFor()
    await page.getByText(/^Known .* ago\.$/).waitFor()
    await window.shoot(page, 'runs-away')
    await goTo(page, '/schedules')
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await window.shoot(page, 'schedules-away')
  })
})

/** Nothing is asked for any longer. */
const settled = async (page: Page): Promise<void> => {
  await page.locator('#main').getByRole('heading', { level: 1 }).waitFor()
  await page.locator('.asking').waitFor({ state: 'detached' })
  await page.evaluate(async () => document.fonts.ready.then(() => undefined))
}
