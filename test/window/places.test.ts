import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser, whyNoBrowser } from '#test/support/browser.ts'
import { littleData, millionJob, muchData } from '#test/support/window-data.ts'
import { openWindowBrowser } from '#test/support/window-browser.ts'
import type { WindowBrowser } from '#test/support/window-browser.ts'
import { findAxeFailures, goTo, scrollsSideways, waitForRows } from '#test/support/window-page.ts'

const program = await findBrowser()
if (program === undefined) console.warn(`SKIPPED: ${whyNoBrowser}`)

/** What can be done on the pages about rows, logs, data and this machine. */
describe.skipIf(program === undefined)('the places of the window', () => {
  let window: WindowBrowser

  beforeAll(async () => {
    window = await openWindowBrowser(program)
  })
  afterAll(async () => {
    await window[Symbol.asyncDispose]()
  })

  test('opens a row with all that is known of it, steps on, and copies it', async () => {
    const data = muchData()
    await using open = await window.open(data, `/jobs/${millionJob(0).id}`)
    const { page } = open
    await waitForRows(page)
    await page.getByRole('button', { name: '00010.png' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Place in plan').waitFor()
    await page.keyboard.press('ArrowRight')
    await dialog.getByText('The file is no image').waitFor()
    await dialog.getByRole('button', { name: 'Copy row' }).click()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    expect(JSON.parse(copied)).toMatchObject({ item: '00011.png' })
    expect(await findAxeFailures(page)).toEqual([])
    // Further than what was in sight: the table goes along.
    for (let step = 0; step < 30; step += 1) await page.keyboard.press('ArrowRight')
    await dialog.getByText('00041.png').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: '00041.png' }).waitFor()
    expect(open.complaints).toEqual([])
  })

  test('shows the overview of a run and what its processes printed, and finds lines', async () => {
    const data = littleData()
    await using open = await window.open(data, `/jobs/${data.jobs[0]?.id}?tab=logs`)
    const { page } = open
    await page.getByText('State: Running').waitFor()
    await page.getByText('dora cannot be asked now').waitFor()
    // A process that died is started again under its number: one log, with a line at each start.
    expect(await page.getByRole('button', { name: 'ben, process 1' }).count()).toBe(1)
    await page.getByRole('button', { name: 'ben, process 1' }).click()
    await page.getByText('602 lines').waitFor()
    await page.getByText(/^--- started \d\d:31:00 ---/).waitFor()
    await page.getByLabel('Find in the log').fill('mini-batch 27')
    await page.getByText('22 of 602 lines').waitFor()
    await window.shoot(page, 'places-logs')
    expect(open.complaints).toEqual([])
  })

  test('registers data, shows its first items, and takes a name back after asking', async () => {
    await using open = await window.open(littleData(), '/data')
    const { page, fixture } = open
    await page.getByRole('button', { name: 'Register a dataset' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Name').fill('august')
    await form.getByLabel('Folder, or file of a table').fill('/home/anna/missing')
    await form.getByRole('button', { name: 'Register' }).click()
    await form.getByText('There is no folder /home/anna/missing').waitFor()
    await form.getByLabel('Folder, or file of a table').fill('/home/anna/digits')
    await form.getByLabel('Which files').fill('*.png')
    await form.getByRole('button', { name: 'Register' }).click()
    await page.getByText('august:1 is registered.').waitFor()
    expect(fixture.commands.at(-1)?.body).toEqual({
      name: 'august',
      type: 'file',
      path: '/home/anna/digits',
      patterns: ['*.png'],
      validate: true,
    })
    await page.getByRole('button', { name: 'First items of july:2' }).click()
    await page.getByRole('dialog').getByText('00000.png').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Remove scans' }).click()
    await page.getByRole('button', { name: 'Remove the name' }).click()
    await page.getByText('scans is removed; its files stay.').waitFor()
    await page.getByRole('button', { name: 'Remove scans' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Register a datastore' }).click()
    await form.getByLabel('Name').fill('photos')
    await form.getByLabel('Folder on this machine').fill('/home/anna/photos')
    await form.getByRole('button', { name: 'Register' }).click()
    await page.getByText('/home/anna/photos').waitFor()
    expect(open.complaints.filter((words) => !words.includes('400'))).toEqual([])
  })

  test('changes settings, says why one is refused, and takes one back', async () => {
    await using open = await window.open(littleData(), '/settings')
    const { page, fixture } = open
    const slots = page.getByLabel('slots', { exact: true })
    await slots.fill('many')
    await slots.press('Enter')
    await page.getByText('"slots" is "many", but must be "auto" or a whole number').waitFor()
    await slots.fill('4')
    await slots.press('Enter')
    await page.getByText('"slots" is "many"').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Back to auto' }).click()
    await expect.poll(() => slots.inputValue()).toBe('auto')
    await page.getByRole('radiogroup', { name: 'scripts' }).getByText('off').click()
    await page.getByRole('button', { name: 'Back to on' }).waitFor()
    expect(fixture.commands.map(({ body }) => body)).toEqual([
      { key: 'slots', value: 'many' },
      { key: 'slots', value: '4' },
      { key: 'slots', value: null },
      { key: 'scripts', value: 'off' },
    ])
  })

  test('tells what is wrong with this machine, worst first, and checks the store', async () => {
    await using open = await window.open(littleData(), '/settings?tab=doctor')
    const { page } = open
    await page.getByText('2 of 3 checks want a look.').waitFor()
    expect(
      await page.getByRole('list', { name: 'Checks' }).locator('strong').allInnerTexts(),
    ).toEqual(['Port', 'dora', 'Agent'])
    await page.getByText('Let the firewall pass TCP port 7432.').waitFor()
    await page.getByRole('button', { name: 'Check the store' }).click()
    await page.getByText('All of it is sound').waitFor()
    expect(open.complaints).toEqual([])
  })

  test('stands at a zoom of 200 %: nothing but tables scrolls sideways, every page is reached', async () => {
    const data = littleData()
    await using open = await window.open(data, '/', { width: 640, height: 360 })
    const { page } = open
    const rail = page.getByRole('navigation', { name: 'Pages' })
    const words = await rail
      .getByRole('link')
      .evaluateAll((links) => links.map((link) => link.getAttribute('title') ?? ''))
    expect(words).toContain('Settings')
    for (const word of words) {
      const link = rail.getByTitle(word)
      await link.focus()
      const [box, view] = [await link.boundingBox(), page.viewportSize()]
      expect(box!.y + box!.height, `${word} is in sight`).toBeLessThanOrEqual(view!.height)
      await page.keyboard.press('Enter')
      await page.locator('#main h1').waitFor()
      expect(await scrollsSideways(page), `${word} scrolls sideways`).toBe(false)
    }
    await goTo(page, `/jobs/${data.jobs[0]?.id}?tab=logs`)
    await page.getByText('State: Running').waitFor()
    expect(await scrollsSideways(page)).toBe(false)
    expect(open.complaints).toEqual([])
  })
})
