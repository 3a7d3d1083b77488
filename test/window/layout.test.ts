import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser, openBrowser, whyNoBrowser } from '#test/support/browser.ts'
import { littleData, millionJob, muchData, noData } from '#test/support/window-data.ts'
import { startWindowFixture } from '#test/support/window-fixture.ts'
import type { WindowFixture } from '#test/support/window-fixture.ts'
import {
  buildPage,
  findAxeFailures,
  goTo,
  openPage,
  scrollsSideways,
  waitForRows,
} from '#test/support/window-page.ts'
import type { OpenPage } from '#test/support/window-page.ts'

/** Pictures for a person to look at are kept when MUSTER_PICTURES names a folder. */
const pictures = process.env['MUSTER_PICTURES']
const program = await findBrowser()
if (program === undefined) console.warn(`SKIPPED: ${whyNoBrowser}`)

/** The built page in a real browser, before the real control server over made-up data. */
describe.skipIf(program === undefined)('the window', () => {
  let browser: Browser
  let pageFolder: string

  beforeAll(async () => {
    pageFolder = await buildPage()
    if (pictures !== undefined) await mkdir(pictures, { recursive: true })
    browser = await openBrowser(program)
  })
  afterAll(async () => {
    await browser.close()
    await rm(pageFolder, { recursive: true, force: true })
  })

  const jobTabs = [
    'rows',
    'gallery',
    'map',
    'timeline',
    'peers',
    'failures',
    'logs',
    'configuration',
  ]
  const ownPlaces = ['/data', '/settings', '/settings?tab=doctor', '/settings?tab=about']
  const amounts = { none: noData, little: littleData, much: muchData }
  const sizes = [
    [1_280, 720],
    [3_840, 2_160],
  ] as const

  for (const [amount, dataOf] of Object.entries(amounts)) {
    for (const [width, height] of sizes) {
      for (const scheme of ['light', 'dark'] as const) {
        // Colours do not depend on the size: on the slow large screen one theme will do.
        if (width > 2_000 && (scheme === 'dark') !== (amount === 'little')) continue
        test(`shows ${amount} data at ${width} x ${height}, ${scheme}`, async () => {
          const data = dataOf()
          await using fixture = await startWindowFixture({ data, pageFolder })
          const signInUrl = await fixture.signInUrl()
          await using open = await openPage(browser, { signInUrl, width, height, scheme })
          const job = data.jobs[0]
          const places = ['/', '/jobs', '/machines', '/models']
          // They show the same, whatever there is to do.
          if (amount === 'little') places.push(...ownPlaces)
          if (job !== undefined)
            for (const tab of jobTabs) places.push(`/jobs/${job.id}?tab=${tab}`)
          for (const place of places) {
            await goTo(open.page, place)
            await settled(open.page, place)
            const name = `${amount}-${width}-${scheme}${place.replaceAll(/[/?=]/g, '-')}`
            if (pictures !== undefined) {
              await open.page.screenshot({ path: join(pictures, `${name}.png`) })
            }
            if (width < 2_000) expect(await findAxeFailures(open.page), place).toEqual([])
            expect(await scrollsSideways(open.page), `${place} scrolls sideways`).toBe(false)
          }
          expect(open.complaints).toEqual([])
        })
      }
    }
  }

  /** One page on one fixture, for a test of behaviour. */
  const openOn = async (fixture: WindowFixture, place: string): Promise<OpenPage> => {
    const open = await openPage(browser, { signInUrl: await fixture.signInUrl() })
    await goTo(open.page, place)
    return open
  }

  test('removes the one-time code from address and history', async () => {
    await using fixture = await startWindowFixture({ data: littleData(), pageFolder })
    const signInUrl = await fixture.signInUrl()
    await using open = await openPage(browser, { signInUrl })
    const code = new URL(signInUrl).hash.slice('#code='.length)
    expect(code.length).toBeGreaterThan(10)
    expect(open.page.url()).not.toContain(code)
    await open.page.goBack().catch(() => undefined)
    expect(open.page.url()).not.toContain(code)
  })

  test('says how to sign in when it is not, and when a link was used before', async () => {
    await using fixture = await startWindowFixture({ data: littleData(), pageFolder })
    const used = await fixture.signInUrl()
    await using _ = await openPage(browser, { signInUrl: used })
    await using context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(fixture.webAddress)
    await page.getByText('This browser is not signed in').waitFor()
    await page.getByText('muster ui').waitFor()
    await page.goto('about:blank')
    await page.goto(used)
    await page.getByText('used already or has expired').waitFor()
  })

  test('reaches the last of a million rows with few rows in the page', async () => {
    const data = muchData()
    await using fixture = await startWindowFixture({ data, pageFolder })
    await using open = await openOn(fixture, `/jobs/${millionJob(0).id}`)
    const { page } = open
    expect(await waitForRows(page)).toBeLessThan(60)
    await page.getByText('1,000,000 rows').waitFor()
    await page.locator('.result-rows img').first().waitFor()
    await page.getByRole('region', { name: 'Rows of the job' }).press('End')
    await page.getByText('999999.png', { exact: true }).waitFor()
    expect(await page.locator('.result-rows .grid-row').count()).toBeLessThan(60)
    const last = page.locator('.result-rows .grid-row').last()
    const [row, scroller] = [
      await last.boundingBox(),
      await page.locator('.grid-scroll').boundingBox(),
    ]
    expect(row!.y + row!.height).toBeLessThanOrEqual(scroller!.y + scroller!.height + 1)
    expect(await last.getAttribute('aria-rowindex')).toBe('1000001')
    expect(open.complaints).toEqual([])
  })

  test('finds rows by text and failures by a switch', async () => {
    const data = littleData()
    await using fixture = await startWindowFixture({ data, pageFolder })
    await using open = await openOn(fixture, `/jobs/${data.jobs[0]!.id}`)
    const { page } = open
    await waitForRows(page)
    await page.getByLabel('Find rows').fill('00042.png')
    await page.getByText('1 row found').waitFor()
    await page.getByText('00042.png').waitFor()
    await page.getByLabel('Find rows').fill('no such row')
    await page.getByText('No row contains “no such row”.').waitFor()
    await page.getByLabel('Find rows').fill('')
    await page.getByRole('switch', { name: 'Only failures' }).press('Space')
    await page.getByText('3 failed items').waitFor()
    await page.getByText('The file is no image').first().waitFor()
  })

  test('cancels a job after asking, and shows what comes of it', async () => {
    const data = littleData()
    await using fixture = await startWindowFixture({ data, pageFolder })
    const id = data.jobs[0]!.id
    await using open = await openOn(fixture, `/jobs/${id}`)
    const { page } = open
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').getByText('Work on its mini-batches stops').waitFor()
    expect(fixture.commands).toEqual([])
    await page.getByRole('button', { name: 'Cancel the job' }).click()
    await page.getByText('Canceling', { exact: true }).waitFor()
    expect(fixture.commands).toEqual([{ name: 'cancelJob', query: { job: id }, body: {} }])
  })

  test('has an ended job forgotten after asking, and then offers nothing of it', async () => {
    const data = littleData()
    const job = data.jobs.find(({ endedAt, itemsFailed }) => endedAt !== null && itemsFailed > 0)
    await using fixture = await startWindowFixture({ data, pageFolder })
    await using open = await openOn(fixture, `/jobs/${job!.id}`)
    const { page } = open
    await page.getByRole('button', { name: 'Forget' }).click()
    await page.getByRole('dialog').getByText('nothing brings them back').waitFor()
    expect(fixture.commands).toEqual([])
    await page.getByRole('button', { name: 'Forget the job' }).click()
    await page.getByText('It was forgotten by anna').waitFor()
    expect(fixture.commands).toEqual([{ name: 'forgetJob', query: { job: job!.id }, body: {} }])
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    for (const name of ['Forget', 'Resubmit', 'Retry failed'])
      expect(await page.getByRole('button', { name }).count()).toBe(0)
  })

  test('draws deltas as they come', async () => {
    const data = littleData()
    await using fixture = await startWindowFixture({ data, pageFolder })
    const job = data.jobs[0]!
    await using open = await openOn(fixture, `/jobs/${job.id}`)
    const line = open.page.locator('.job-progress-line')
    await expect
      .poll(() => line.innerText())
      .toBe('8,340 / 10,000 · 1,290/s · 1-2 s left · 3 failed')
    fixture.tell({
      kind: 'job-changed',
      job: {
        ...job,
        state: 'Completed',
        itemsSucceeded: 9_997,
        endedAt: job.startedAt! + 7_700,
        secondsLeft: null,
        output: '/home/anna/predictions.csv',
      },
    })
    await expect
      .poll(() => line.innerText())
      .toBe('10,000 / 10,000 · 1,290/s · took 7.7 s · 3 failed')
    await open.page.getByText('Completed', { exact: true }).waitFor()
    await open.page.getByRole('button', { name: 'Copy output path' }).click()
    const copied = await open.page.evaluate(() => navigator.clipboard.readText())
    expect(copied).toBe('/home/anna/predictions.csv')
  })

  test('keeps the last known state while the agent is away and goes on after a new sign-in', async () => {
    const data = littleData()
    const first = await startWindowFixture({ data, pageFolder })
    const port = Number(new URL(first.webAddress).port)
    await using open = await openOn(first, '/')
    const { page, context } = open
    await page.getByText('Running jobs').waitFor()
    await first[Symbol.asyncDispose]()
    await page.getByText('The agent does not answer').waitFor()
    await page.getByText(/Last known state, \d+ s ago/).waitFor()
    await page.getByText('digits', { exact: true }).waitFor()

    await using second = await startWindowFixture({
      data: { ...data, jobs: [{ ...data.jobs[0]!, name: 'digits-after-restart' }] },
      pageFolder,
      port,
    })
    await page.getByText('sign in again').waitFor()
    // As `muster ui` does, in another tab of the same browser.
    const other = await context.newPage()
    await other.goto(await second.signInUrl())
    await page.getByText('digits-after-restart').waitFor()
    expect(await page.locator('.away').count()).toBe(0)
  })

  test.for([0, 2_000])('can be used by keyboard alone, answers after %i ms', async (wait) => {
    const data = littleData()
    await using fixture = await startWindowFixture({ data, pageFolder })
    await using open = await openOn(fixture, '/jobs')
    const { page } = open
    await page.route(/\/mini-batches/, async (route) => {
      await setTimeout(wait)
      await route.continue()
    })
    await page.getByRole('link', { name: 'digits', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: /Rows/ }).focus()
    await page.keyboard.press('ArrowRight')
    await page.getByRole('grid').waitFor()
    await page.keyboard.press('ArrowRight')
    const map = page.getByRole('slider', { name: 'Mini-batches of digits' })
    await map.focus()
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) await page.keyboard.press(key)
    await page.getByText('Mini-batch 3 · committed after a retry · items 30 to 39').waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('Mini-batch 3 was granted to ben').waitFor()
    expect(open.complaints).toEqual([])
  })

  test('follows the system theme until the person chooses, and remembers the choice', async () => {
    await using fixture = await startWindowFixture({ data: littleData(), pageFolder })
    const signInUrl = await fixture.signInUrl()
    await using open = await openPage(browser, { signInUrl, scheme: 'dark' })
    const { page } = open
    const scheme = (): Promise<string | null> =>
      page.locator('html').getAttribute('data-mantine-color-scheme')
    expect(await scheme()).toBe('dark')
    await page.getByRole('button', { name: 'Switch to light' }).click()
    expect(await scheme()).toBe('light')
    await page.reload()
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
    expect(await scheme()).toBe('light')
  })

  test('creates a cluster and shows the recovery code until it is confirmed', async () => {
    await using fixture = await startWindowFixture({ data: noData(), pageFolder })
    await using open = await openOn(fixture, '/')
    const { page } = open
    await page.getByLabel('Name').fill('Second floor')
    await page.getByRole('button', { name: 'Create cluster' }).click()
    // The form is gone by then, since there is a cluster; the code must not go with it.
    await page.getByRole('heading', { name: 'Second floor' }).waitFor()
    await page.getByText('4F2K-9QXM-7TBD').waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('4F2K-9QXM-7TBD').waitFor()
    expect(fixture.commands).toEqual([
      { name: 'createCluster', query: {}, body: { name: 'Second floor' } },
    ])
    await page.getByRole('button', { name: 'I have kept it' }).click()
    await page.getByText('4F2K-9QXM-7TBD').waitFor({ state: 'detached' })
  })

  test('joins a cluster and shows the words to compare, or why it cannot', async () => {
    await using fixture = await startWindowFixture({ data: noData(), pageFolder })
    await using open = await openOn(fixture, '/machines')
    const { page } = open
    await page.getByLabel('Invitation code').fill('OLD')
    await page.getByRole('button', { name: 'Join cluster' }).click()
    await page.getByText('The invitation has expired; ask for a new one.').waitFor()
    await page.getByLabel('Invitation code').fill('NEW')
    await page.getByRole('button', { name: 'Join cluster' }).click()
    await page.getByText('apple river seven quiet').waitFor()
    await page.getByRole('button', { name: 'They are the same' }).click()
    await page.getByText('apple river seven quiet').waitFor({ state: 'detached' })
  })

  test('opens an invitation with words, code and QR code', async () => {
    await using fixture = await startWindowFixture({ data: littleData(), pageFolder })
    await using open = await openOn(fixture, '/machines')
    const { page } = open
    await page.getByRole('button', { name: 'Invite a machine' }).click()
    await page.getByRole('button', { name: 'Open an invitation' }).click()
    await page.getByText('apple river seven quiet').waitFor()
    await page.getByRole('img', { name: 'The invitation code as a QR code' }).waitFor()
    expect(fixture.commands[0]?.body).toEqual({ roles: ['work', 'submit'] })
    expect(await findAxeFailures(page)).toEqual([])
  })
})

/** What tells that a place has drawn itself. */
const settled = async (page: Page, place: string): Promise<void> => {
  const main = page.locator('#main')
  if (place.endsWith('tab=rows')) {
    await waitForRows(page)
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.result-rows img')].every(
        (picture) => (picture as HTMLImageElement).complete,
      ),
    )
  } else if (place.endsWith('tab=gallery')) await picturesIn(page, '.gallery')
  else if (place.endsWith('tab=failures')) await picturesIn(page, '.result-rows', 0)
  else if (place.endsWith('tab=map')) await page.getByRole('slider').last().waitFor()
  else if (place.endsWith('tab=timeline')) await page.getByRole('application').waitFor()
  else if (place === '/data')
    await page.getByRole('region', { name: 'Registered datasets' }).waitFor()
  else if (place === '/settings') await page.getByRole('list', { name: 'Settings' }).waitFor()
  else if (place === '/settings?tab=doctor') await page.getByText('Look at it').first().waitFor()
  else if (place === '/settings?tab=about') await page.getByText('PeerId').waitFor()
  else if (place.endsWith('tab=logs'))
    await main.getByRole('region', { name: 'overview' }).waitFor()
  else if (place.includes('tab=')) await main.locator('.scroll-panel').waitFor()
  else await main.getByRole('heading', { level: 1 }).waitFor()
  await page.evaluate(async () => document.fonts.ready.then(() => undefined))
}

/** Waits until a part has its rows and every picture that will come. */
const picturesIn = async (page: Page, part: string, least = 1): Promise<void> => {
  await page.waitForFunction(
    ([selector, count]) => {
      const pictures = [...document.querySelectorAll<HTMLImageElement>(`${selector} img`)]
      const rows = document.querySelectorAll(`${selector} :is(.tile, .grid-row:not(.waiting))`)
      return rows.length > 0 && pictures.length >= count && pictures.every((one) => one.complete)
    },
    [part, least] as const,
  )
}
