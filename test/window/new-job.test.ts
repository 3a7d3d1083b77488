import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { findBrowser, whyNoBrowser } from '#test/support/browser.ts'
import { openWindowBrowser } from '#test/support/window-browser.ts'
import type { WindowBrowser } from '#test/support/window-browser.ts'
import { littleData, muchData, noData } from '#test/support/window-data.ts'
import { madeUpPlaces } from '#test/support/window-fixture-data.ts'
import { findAxeFailures, goTo, scrollsSideways } from '#test/support/window-page.ts'

const program = await findBrowser()
if (program === undefined) console.warn(`SKIPPED: ${whyNoBrowser}`)

describe.skipIf(program === undefined)('the page for a new job', () => {
  let window: WindowBrowser
  beforeAll(async () => {
    window = await openWindowBrowser(program)
  })
  afterAll(() => window[Symbol.asyncDispose]())

  const amounts = { none: noData, little: littleData, much: muchData }
  for (const [amount, dataOf] of Object.entries(amounts))
    for (const [width, height, scheme] of [
      [1_280, 720, 'light'],
      [1_280, 720, 'dark'],
      [3_840, 2_160, 'dark'],
    ] as const)
      test(`stands with ${amount} data at ${width} x ${height}, ${scheme}`, async () => {
        const data = dataOf()
        await using open = await window.open(data, '/new-job', { width, height, scheme })
        const { page } = open
        await page.getByRole('heading', { name: 'New job' }).waitFor()
        await window.shoot(page, `new-job-${amount}-${width}-${scheme}`)
        if (width < 2_000) expect(await findAxeFailures(page)).toEqual([])
        if (data.models[0] !== undefined) {
          await chooseModel(page, data.models[0].name)
          await page.getByLabel('Folder, or file of a table').fill(madeUpPlaces.pictures)
          await page.locator('.preview-files img').nth(7).waitFor()
          await window.shoot(page, `new-job-${amount}-${width}-${scheme}-filled`)
          if (width < 2_000) expect(await findAxeFailures(page)).toEqual([])
        }
        expect(await scrollsSideways(page)).toBe(false)
        expect(open.complaints).toEqual([])
      })

  test('suggests the form from the model, tries five items with pictures, and submits', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page, fixture } = open
    const submit = page.getByRole('button', { name: 'Submit' })
    await page.getByText('Choose a model first.').first().waitFor()
    expect(await submit.isDisabled()).toBe(true)
    await chooseModel(page, 'mnist')
    await expect.poll(() => page.getByLabel('Width').inputValue()).toBe('28')
    expect(await page.getByRole('combobox', { name: 'Channels' }).inputValue()).toBe('gray')
    expect(await page.getByRole('combobox', { name: 'Rows' }).inputValue()).toBe('top-k')
    await page.getByText('Choose the data.').first().waitFor()
    await page.getByLabel('Folder, or file of a table').fill(madeUpPlaces.pictures)
    await page.locator('.preview-files img').first().waitFor()
    await page.getByText('Give the job a name.').first().waitFor()
    await page.getByLabel('Name', { exact: true }).fill('new-digits')
    await page.getByRole('button', { name: 'Try on five items' }).press('Enter')
    const rows = page.getByRole('list', { name: 'Rows' }).getByRole('listitem')
    await expect.poll(() => rows.count()).toBe(5)
    await rows.first().getByText('0.9981').waitFor()
    await rows.first().locator('img').waitFor()
    await rows.nth(3).getByText('The file is no image').waitFor()
    await window.shoot(page, 'new-job-tried')
    expect(await findAxeFailures(page)).toEqual([])
    await page.getByLabel('Mini-batch size').fill('25')
    await page.getByText('Changed since; try again.').waitFor()
    await submit.click()
    await page.getByRole('heading', { name: /new-digits$/ }).waitFor()
    const [tried, submitted] = fixture.commands
    expect(tried?.body).toMatchObject({ count: 5 })
    const { text } = submitted!.body as { text: string }
    expect(text.split('\n')).toEqual(
      expect.arrayContaining(['name: new-digits', 'mini_batch_size: 25', '  width: 28']),
    )
    expect(open.complaints).toEqual([])
  })

  test('shows what is wrong at its field, while it is typed', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page } = open
    await chooseModel(page, 'mnist')
    await page.getByLabel('Folder, or file of a table').fill('/nowhere')
    await page.getByText('There is no folder /nowhere').waitFor()
    await page.getByLabel('Name', { exact: true }).fill('Digits!')
    const name = page.getByLabel('Name', { exact: true })
    await expect.poll(() => name.getAttribute('aria-invalid')).toBe('true')
    await name.fill('digits-two')
    await expect.poll(() => name.getAttribute('aria-invalid')).not.toBe('true')
    const tries = page.getByLabel('Tries')
    await tries.fill('0')
    await expect.poll(() => tries.getAttribute('aria-invalid')).toBe('true')
    await window.shoot(page, 'new-job-refused')
    expect(await findAxeFailures(page)).toEqual([])
  })

  test('makes a job of a script with several models, and tells ranges while they are typed', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page, fixture } = open
    await chooseModel(page, 'mnist')
    await page.getByText('A script', { exact: true }).click()
    await page.getByText('Choose a script first.').first().waitFor()
    await page.getByLabel('Entry script').fill('/home/anna/read.ts')
    await page.getByLabel('Arguments').fill('--least 0.9')
    // The model that was chosen before stays for the script to use.
    expect(await page.getByRole('combobox', { name: 'Model 1' }).inputValue()).toBe('mnist:2')
    await page.getByRole('button', { name: 'Add a model' }).click()
    await page.getByRole('combobox', { name: 'Model 2' }).fill('/home/anna/mnist.onnx')
    await page.getByText('Two models are called mnist').waitFor()
    await page.getByLabel('Name of model 2').fill('reader')
    await page.getByText('Two models are called mnist').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'more settings' }).click()
    const weight = page.getByLabel('Weight')
    await weight.fill('5000')
    // No data and no name yet: the agent is not asked, the range is told all the same.
    await page.getByText('Must be a number from 0.01 to 1000.').waitFor()
    await weight.fill('2')
    await page.getByText('Must be a number').waitFor({ state: 'detached' })
    await window.shoot(page, 'new-job-script')
    expect(await findAxeFailures(page)).toEqual([])
    await page.getByLabel('Folder, or file of a table').fill(madeUpPlaces.pictures)
    await page.getByLabel('Name', { exact: true }).fill('read-digits')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('heading', { name: /read-digits$/ }).waitFor()
    const { text } = fixture.commands.at(-1)!.body as { text: string }
    expect(text).toContain('entry_script: /home/anna/read.ts')
    expect(text).toContain('models:\n  mnist: mnist:2\n  reader: /home/anna/mnist.onnx\n')
    expect(text).toContain('weight: 2')
    expect(text).not.toContain('preprocess')
    await goTo(page, '/new-job')
    await page.getByText('A model', { exact: true }).click()
    await expect.poll(() => page.getByLabel('Width').inputValue()).toBe('28')
    expect(open.complaints).toEqual([])
  })

  test('reads tables by records, and follows the data until the person says otherwise', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page } = open
    await chooseModel(page, 'mnist')
    await page.getByLabel('Folder, or file of a table').fill(madeUpPlaces.table)
    const table = page.getByRole('region', { name: 'First records' })
    await table.getByText('has 2 fields in place of 3').waitFor()
    await page.getByText('has 4 axes, but a record of a table is a list').waitFor()
    await window.shoot(page, 'new-job-table')
    await page.getByText('Registered dataset').click()
    await page.getByRole('combobox', { name: 'Dataset' }).click()
    await page.getByRole('option', { name: 'july' }).click()
    await page.locator('.preview-files img').first().waitFor()
    await expect.poll(() => page.getByLabel('Width').inputValue()).toBe('28')
    await page.getByLabel('Width').fill('32')
    await page.getByText('Folder or file').click()
    expect(await page.getByLabel('Width').inputValue()).toBe('32')
  })

  test('registers a model by its path and goes on with it', async () => {
    await using open = await window.open(noData(), '/new-job')
    const { page, fixture } = open
    const path = page.getByLabel('Model file or folder')
    await path.fill('/home/anna/shelf.txt')
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByText('/home/anna/shelf.txt is no ONNX model').waitFor()
    await path.fill('/home/anna/shelf.onnx')
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByText('input float32 [batch, 1, 28, 28]').waitFor()
    await expect.poll(() => page.getByLabel('Width').inputValue()).toBe('28')
    expect(fixture.commands.at(-1)?.body).toEqual({ path: '/home/anna/shelf.onnx', name: 'shelf' })
  })

  test('shows the job file, saves it, and keeps it over a look at another page', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page } = open
    await chooseModel(page, 'mnist')
    await page.getByLabel('Folder, or file of a table').fill(madeUpPlaces.pictures)
    await page.getByLabel('Name', { exact: true }).fill('new-digits')
    await goTo(page, '/jobs')
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
    await goTo(page, '/new-job')
    await expect
      .poll(() => page.getByLabel('Name', { exact: true }).inputValue())
      .toBe('new-digits')
    await page.getByRole('tab', { name: 'Job file' }).click()
    await page.getByText('Nothing is wrong with it.').waitFor()
    await window.shoot(page, 'new-job-file')
    expect(await findAxeFailures(page)).toEqual([])
    const shown = await page.getByRole('region', { name: 'Job file' }).innerText()
    const saved = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save' }).click()
    const file = await saved
    expect(file.suggestedFilename()).toBe('new-job.yaml')
    expect((await readFile(await file.path(), 'utf8')).trim()).toBe(shown.trim())
    await page.getByRole('button', { name: 'Start anew' }).click()
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('')
    expect(open.complaints).toEqual([])
  })

  test('loads a job file into the form, and a pipeline as text', async () => {
    await using open = await window.open(littleData(), '/new-job')
    const { page, fixture } = open
    await page.getByRole('button', { name: 'Load a job file' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Folder of the file').fill('/home/anna/jobs')
    await dialog.getByLabel('Or paste it').fill('- no\n- file')
    await dialog.getByRole('button', { name: 'Load', exact: true }).click()
    await dialog.getByText('must be a map of fields').waitFor()
    await window.shoot(page, 'new-job-load')
    await dialog.getByLabel('Or paste it').fill(jobFile)
    await dialog.getByRole('button', { name: 'Load', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('shelves')
    expect(await page.getByLabel('Run limit').inputValue()).toBe('90')
    expect(await page.getByLabel('Labels').inputValue()).toBe('0, 1, 2')
    await page.getByRole('tab', { name: 'Job file' }).click()
    const file = page.getByRole('region', { name: 'Job file' })
    // What the form does not show stays.
    await file.getByText('partition_format: "{user}/{file}.png"').waitFor()

    await page.getByRole('button', { name: 'Load a job file' }).click()
    await dialog.getByLabel('Or paste it').fill(pipelineFile)
    await dialog.getByRole('button', { name: 'Load', exact: true }).click()
    await page.getByText('Steps: find, sort').waitFor()
    await window.shoot(page, 'new-job-by-hand')
    expect(await findAxeFailures(page)).toEqual([])
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('heading', { name: /two-steps$/ }).waitFor()
    expect(fixture.commands.at(-1)?.body).toMatchObject({ text: pipelineFile })
  })
})

const chooseModel = async (page: Page, name: string): Promise<void> => {
  const box = page.getByRole('combobox', { name: 'Registered model' })
  await box.click()
  await box.fill(name)
  await page.getByRole('option', { name }).first().click()
}

const jobFile = `# A job with a field that the form does not show.
name: shelves
model: mnist:2
inputs:
  photos: { path: ./photos, partition_format: '{user}/{file}.png' }
run_invocation_timeout: 90
preprocess: { width: 28, height: 28, channels: gray }
postprocess: { kind: argmax, labels: ['0', '1', '2'] }
`

const pipelineFile = `name: two-steps
steps:
  find: { entry_script: ./find.ts, inputs: { photos: ./photos } }
  sort: { entry_script: ./sort.ts, inputs: { found: '\${{steps.find.output}}' } }
`
