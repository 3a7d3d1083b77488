import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository, untilFinal } from '../../tools/agents.ts'
import { findBrowser, openBrowser, whyNoBrowser } from '../support/browser.ts'
import { createOffice, startTeam } from '../support/office.ts'
import type { Office, Team } from '../support/office.ts'
import { findAxeFailures, goTo, openPage, waitForRows } from '../support/window-page.ts'

const program = await findBrowser()
if (program === undefined) console.warn(`The window is not tested: ${whyNoBrowser}`)

const count = 200

describe.skipIf(program === undefined)('the pages of a real agent', () => {
  let office: Office
  let team: Team
  let browser: Browser
  let digits: { folder: string; labels: readonly number[] }

  beforeAll(async () => {
    office = await createOffice()
    browser = await openBrowser(program)
    digits = await office.digits(count)
    team = await startTeam(office, ['ada'])
  })
  afterAll(async () => {
    await browser.close()
    await office[Symbol.asyncDispose]()
  })

  test('make a job from a model file and a folder, and compare its run with the next one', async () => {
    const { client } = team.keeper
    const { url } = await client.call('signInCode')
    await using tab = await openPage(browser, { signInUrl: url })
    const { page } = tab
    await goTo(page, '/new-job')
    await page
      .getByLabel('Model file or folder')
      .fill(join(repository, 'examples/mnist/model/mnist.onnx'))
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByText('parameters').waitFor()
    await expect.poll(() => page.getByLabel('Width').inputValue()).toBe('28')

    await page.getByLabel('Folder, or file of a table').fill(digits.folder)
    const preview = page.locator('.preview-files img').first()
    await preview.waitFor()
    await expect
      .poll(() => preview.evaluate((img) => (img as { naturalWidth?: number }).naturalWidth))
      .toBe(28)
    await page.getByLabel('Which files').fill('*.png')
    await page.getByLabel('Name', { exact: true }).fill('hand-made')
    await page.getByRole('button', { name: 'Try on five items' }).click()
    const rows = page.getByRole('list', { name: 'Rows' }).getByRole('listitem')
    await expect.poll(() => rows.count(), { timeout: 60_000 }).toBe(5)
    await rows.first().locator('img').waitFor()
    await page.getByRole('tab', { name: 'Job file' }).click()
    await page.getByText('Nothing is wrong with it.').waitFor()
    expect(await findAxeFailures(page)).toEqual([])

    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('heading', { name: /hand-made$/ }).waitFor()
    const [job] = (await client.call('jobs')).jobs
    expect((await untilFinal(() => client, job?.id ?? '')).state).toBe('Completed')
    const [run] = (await client.call('pipelines')).pipelines
    await goTo(page, `/jobs/${job?.id}`)
    expect(await waitForRows(page)).toBeGreaterThan(5)

    await page.getByRole('link', { name: 'hand-made' }).click()
    await page.getByText('1 / 1 steps done').waitFor()
    expect(new URL(page.url()).hash).toBe(`#/runs/${run?.id}`)
    await page.getByRole('button', { name: 'Resubmit' }).click()
    const form = page.getByRole('dialog')
    await form.getByLabel('Other fields').fill('mini_batch_sise=20')
    await form.getByRole('button', { name: 'Submit' }).click()
    await form.getByText('mini_batch_sise').last().waitFor()
    await form.getByLabel('Other fields').fill('mini_batch_size=20')
    await form.getByRole('button', { name: 'Submit' }).click()
    await form.waitFor({ state: 'detached' })
    await page.getByText('It was submitted anew from run').waitFor()
    await page.getByText('1 / 1 steps done').waitFor({ timeout: 60_000 })

    await page.getByRole('link', { name: 'hand-made' }).first().click()
    await page.getByText('2 of 2 runs compared').waitFor()
    const differs = page.getByRole('row', { name: /mini_batch_size differs/ })
    await differs.waitFor()
    expect((await differs.getByRole('cell').allInnerTexts()).toSorted()).toEqual(['10', '20'])
    expect(await findAxeFailures(page)).toEqual([])
    // A refusal is an answer that the console tells of, too.
    expect(tab.complaints.filter((words) => !words.includes('400'))).toEqual([])
  })
})
