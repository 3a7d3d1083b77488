import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { untilFinal } from '../../tools/agents.ts'
import { findBrowser, openBrowser, whyNoBrowser } from '../support/browser.ts'
import { createOffice, startTeam, submitDigits } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'
import { findAxeFailures, goTo, openPage, waitForRows } from '../support/window-page.ts'

/** Pictures for a person to look at are kept when MUSTER_PICTURES names a folder. */
const pictures = process.env['MUSTER_PICTURES']
const program = await findBrowser()
if (program === undefined) console.warn(`The window is not tested: ${whyNoBrowser}`)

const count = 4_000

describe.skipIf(program === undefined)('the page of a real agent, while a real job runs', () => {
  let office: Office
  let team: Team
  let browser: Browser
  let digits: { folder: string; labels: readonly number[] }

  beforeAll(async () => {
    if (pictures !== undefined) await mkdir(pictures, { recursive: true })
    office = await createOffice()
    browser = await openBrowser(program)
    digits = await office.digits(count)
    team = await startTeam(office, ['ada', 'ben'])
  })
  afterAll(async () => {
    await browser.close()
    await office[Symbol.asyncDispose]()
  })

  const open = async (scheme: 'light' | 'dark') => {
    const { url } = await team.keeper.client.call('signInCode')
    return openPage(browser, { signInUrl: url, scheme })
  }
  const shoot = async (page: Awaited<ReturnType<typeof open>>['page'], name: string) => {
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) })
  }

  test('follows the job from its start to its last row, then shows rows with pictures', async () => {
    await using tab = await open('light')
    const { page } = tab
    expect(new URL(page.url()).hash).not.toContain('code')
    const id = await submitDigits(team.keeper, digits.folder)
    await goTo(page, `/jobs/${id}`)
    await page.getByText('Running', { exact: true }).first().waitFor()
    await shoot(page, 'live-running')
    const job = await untilFinal(() => team.keeper.client, id)
    expect(job.state).toBe('Completed')
    await page.getByText('Completed', { exact: true }).first().waitFor()
    await page
      .getByText(`${count.toLocaleString('en-US')} / ${count.toLocaleString('en-US')}`)
      .first()
      .waitFor()
    expect(await waitForRows(page)).toBeGreaterThan(5)
    const picture = page.locator('.result-rows img').first()
    await picture.waitFor()
    await expect
      .poll(() => picture.evaluate((img) => (img as { naturalWidth?: number }).naturalWidth))
      .toBe(28)
    const first = await page.locator('.result-rows .grid-row:not(.waiting)').first().innerText()
    expect(first).toContain('00000.png')
    expect(first).toContain(String(digits.labels[0]))
    await shoot(page, 'live-completed-light')
    expect(await findAxeFailures(page)).toEqual([])
    expect(tab.complaints).toEqual([])
  })

  test('submits the job anew from its page, and the head draws who ran what', async () => {
    await using tab = await open('light')
    const { page } = tab
    const { jobs } = await team.keeper.client.call('jobs')
    const before = jobs.find(({ name }) => name !== 'digits-again')
    await goTo(page, `/jobs/${before?.id}?tab=gallery`)
    await page.locator('.tile img').first().waitFor()
    await page.getByRole('combobox', { name: 'Class' }).click()
    await page.getByRole('option', { name: '3', exact: true }).click()
    const threes = digits.labels.filter((label) => label === 3).length
    await expect
      .poll(async () => new Set(await page.locator('.tile strong').allInnerTexts()))
      .toEqual(new Set(['3']))
    const told = await page.locator('.rows-count').innerText()
    expect(Math.abs(Number.parseInt(told, 10) - threes)).toBeLessThan(count / 100)
    await shoot(page, 'live-gallery')

    await page.getByRole('button', { name: 'Resubmit' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Mini-batch size').fill('0')
    await form.getByRole('button', { name: 'Submit' }).click()
    await form.getByText('"mini_batch_size" is 0').waitFor()
    await form.getByLabel('Mini-batch size').fill('25')
    await form.getByLabel('Name').fill('digits-again')
    await form.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('heading', { name: 'digits-again' }).waitFor()
    const [again] = (await team.keeper.client.call('jobs')).jobs
    const job = await untilFinal(() => team.keeper.client, again?.id ?? '')
    expect([job.state, job.miniBatches]).toEqual(['Completed', count / 25])
    await page.getByRole('tab', { name: 'Timeline' }).click()
    await page.getByText('open the window on head').waitFor()

    const { url } = await team.head.client.call('signInCode')
    await using atHead = await openPage(browser, { signInUrl: url, scheme: 'dark' })
    await goTo(atHead.page, `/jobs/${job.id}?tab=timeline`)
    await atHead.page.getByText('Table', { exact: true }).click()
    const attempts = atHead.page.getByRole('region', { name: 'Attempts' })
    await attempts.getByText(`${count / 25} attempts in this time`).waitFor()
    for (const name of ['ada', 'ben']) await attempts.getByText(name).first().waitFor()
    await atHead.page.getByText('Lanes', { exact: true }).click()
    await atHead.page.getByRole('application').waitFor()
    await shoot(atHead.page, 'live-timeline')
    await goTo(atHead.page, `/jobs/${job.id}?tab=map`)
    await atHead.page.getByRole('slider').waitFor()
    await shoot(atHead.page, 'live-map')
    expect([
      ...tab.complaints.filter((words) => !words.includes('400')),
      ...atHead.complaints,
    ]).toEqual([])
  })

  test('shows the machines, and notices when one is killed', async () => {
    await using tab = await open('dark')
    const { page } = tab
    await goTo(page, '/machines')
    for (const name of ['head', 'keeper', 'ada', 'ben'])
      await page.getByText(name).first().waitFor()
    await shoot(page, 'live-machines-dark')
    await team.workers[1]?.killHard()
    await page.getByText('Away', { exact: true }).first().waitFor({ timeout: 30_000 })
    await shoot(page, 'live-machine-lost-dark')
    expect(await findAxeFailures(page)).toEqual([])
    const [job] = (await team.keeper.client.call('jobs')).jobs
    await goTo(page, `/jobs/${job?.id}`)
    await waitForRows(page)
    await page.waitForFunction(() =>
      [...document.querySelectorAll('.result-rows img')].every(
        (picture) => (picture as HTMLImageElement).complete,
      ),
    )
    await shoot(page, 'live-completed-dark')
    expect(tab.complaints).toEqual([])
  })

  test('keeps the last known state when its agent goes, and follows again when it is back', async () => {
    await using tab = await open('light')
    const { page } = tab
    await goTo(page, '/jobs')
    await page.getByText('digits').first().waitFor()
    await team.keeper.killHard()
    try {
      await page.getByText('The agent does not answer').waitFor({ timeout: 60_000 })
      await page.getByText('digits').first().waitFor()
      await shoot(page, 'live-agent-away')
    } finally {
      team.keeper = await office.start('keeper', 0)
    }
  })
})
