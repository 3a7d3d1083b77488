import { readFile } from 'node:fs/promises'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobView } from '#protocol/control/job-views.ts'
import { findBrowser, whyNoBrowser } from '#test/support/browser.ts'
import { openWindowBrowser } from '#test/support/window-browser.ts'
import type { WindowBrowser } from '#test/support/window-browser.ts'
import { littleData, millionJob, muchData } from '#test/support/window-data.ts'
import type { WindowData } from '#test/support/window-data.ts'
import { findAxeFailures } from '#test/support/window-page.ts'

const program = await findBrowser()
if (program === undefined) console.warn(`SKIPPED: ${whyNoBrowser}`)

/** Parts of a job's page, used as a person would. */
describe.skipIf(program === undefined)('on the page of a job', () => {
  let window: WindowBrowser
  beforeAll(async () => {
    window = await openWindowBrowser(program)
  })
  afterAll(() => window[Symbol.asyncDispose]())

  describe('the gallery', () => {
    test('reaches the last of a million pictures by keyboard, and shows it large', async () => {
      await using open = await window.open(muchData(), `/jobs/${millionJob(0).id}?tab=gallery`)
      const { page } = open
      const grid = page.getByRole('grid', { name: 'Pictures of archive-2016-to-2026' })
      await page.locator('.tile img').first().waitFor()
      expect(await page.locator('.tile').count()).toBeLessThan(200)
      await grid.press('ArrowRight')
      expect(await currentName(page)).toBe('00001.png')
      await grid.press('End')
      await page.getByTitle('999999.png').waitFor()
      expect(await currentName(page)).toBe('999999.png')
      await expectInside(page.getByTitle('999999.png'), grid)
      expect(await page.locator('.tile').count()).toBeLessThan(200)
      await grid.press('ArrowUp')
      await grid.press('Enter')
      const closeUp = page.getByRole('dialog')
      await closeUp.getByText('prediction').waitFor()
      const before = await closeUp.locator('.mantine-Modal-title').innerText()
      // The keys belong to the dialog only once the focus has moved into it.
      await closeUp.press('ArrowLeft')
      await expect.poll(() => closeUp.locator('.mantine-Modal-title').innerText()).not.toBe(before)
      await window.shoot(page, 'gallery-close-up')
      expect(await findAxeFailures(page)).toEqual([])
      await page.keyboard.press('Escape')
      await closeUp.waitFor({ state: 'detached' })
      expect(open.complaints).toEqual([])
    })

    test('shows one class, or what contains a text', async () => {
      const data = littleData()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=gallery`)
      const { page } = open
      await page.locator('.tile strong').first().waitFor()
      await page.getByRole('combobox', { name: 'Class' }).click()
      await page.getByRole('option', { name: '7', exact: true }).click()
      await expect
        .poll(async () => new Set(await page.locator('.tile strong').allInnerTexts()))
        .toEqual(new Set(['7']))
      const all = 8_340
      const count = Number((await page.locator('.rows-count').innerText()).replaceAll(/\D/g, ''))
      expect(count).toBeGreaterThan(all / 20)
      expect(count).toBeLessThan(all / 5)
      await window.shoot(page, 'gallery-class')
      await page.getByLabel('Find pictures').fill('no such item')
      await page.getByText('No item with “no such item” was called “7”.').waitFor()
      expect(open.complaints).toEqual([])
    })
  })

  describe('the map', () => {
    test('draws a million cells in time, with a band to choose from, and one failure in sight', async () => {
      const data = millionCells()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=map`)
      const { page } = open
      const map = page.getByRole('slider', { name: 'Mini-batches of cells' })
      const band = page.getByRole('slider', { name: 'Part of cells that the map shows' })
      await band.waitFor()
      await expect.poll(() => page.locator('.map-area canvas').first().evaluate(isDrawn)).toBe(true)
      const slowest = Math.max(...(await drawTimes(page)))
      console.info(`A map of 1,000,000 mini-batches was drawn in ${slowest.toFixed(1)} ms.`)
      expect(slowest).toBeGreaterThan(1)
      expect(slowest).toBeLessThan(500)
      // The only failure, of a million: red stands in band and map.
      for (const canvas of [band, page.locator('.map-area canvas').first()])
        expect(await reddestPixel(canvas)).toBe(true)
      await window.shoot(page, 'map-million')

      await band.focus()
      await page.keyboard.press('End')
      for (let i = 0; i < 9; i += 1) await page.keyboard.press('+')
      const shown = await band.getAttribute('aria-valuetext')
      expect(shown).toMatch(/^Mini-batches [\d,]+ to [\d,]+$/)
      const box = await band.boundingBox()
      await page.mouse.move(box!.x + box!.width * 0.5, box!.y + 10)
      await page.mouse.down()
      await page.mouse.move(box!.x + box!.width * 0.502, box!.y + 10, { steps: 4 })
      await page.mouse.up()
      await expect.poll(() => band.getAttribute('aria-valuetext')).toMatch(/^Mini-batches (49|50)/)
      await map.focus()
      await page.keyboard.press('ArrowRight')
      await page.getByText(/Mini-batch 50\d,\d{3} · committed/).waitFor()
      // Who did it, and what its story says last.
      await page.getByText(/ · (anna|ben|cem)/).waitFor()
      await page.getByText('It was granted to anna as attempt 2').waitFor()
      await window.shoot(page, 'map-zoomed')
      await page.getByRole('button', { name: 'Whole job' }).click()
      await page.getByRole('button', { name: 'Whole job' }).waitFor({ state: 'detached' })
      // The browser advises those who read canvases, as only this test does.
      expect(open.complaints.filter((words) => !words.startsWith('Canvas2D'))).toEqual([])
    })

    test('marks where the run of another peer begins', async () => {
      const data = littleData()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=map`)
      const { page } = open
      const cells = page.locator('.map-area canvas').first()
      // Cell 6 begins the run of the next peer: a dark line stands in the gap before it.
      await expect.poll(() => lineBefore(cells, 6)).toBe(true)
      expect(await lineBefore(cells, 5)).toBe(false)
      await window.shoot(page, 'map-runs')
    })
  })

  describe('the timeline', () => {
    test('is read by keyboard and as a table, and zooms', async () => {
      const data = littleData()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=timeline`)
      const { page } = open
      const lanes = page.getByRole('application', { name: 'Timeline of digits' })
      await lanes.focus()
      await page.keyboard.press('ArrowRight')
      const told = page.locator('#timeline-chosen')
      await expect.poll(() => told.innerText()).toMatch(/Mini-batch \d+ · attempt 1 on anna · /)
      await page.keyboard.press('ArrowDown')
      await expect.poll(() => told.innerText()).toMatch(/ on ben · /)
      for (let i = 0; i < 3; i += 1) await page.keyboard.press('+')
      await page.keyboard.press('ArrowRight')
      await window.shoot(page, 'timeline-zoomed')
      await page.keyboard.press('Enter')
      await page.getByText('was granted to ben as attempt 1').waitFor()
      expect(await findAxeFailures(page)).toEqual([])

      await page.getByText('Table', { exact: true }).click()
      const rows = page.getByRole('region', { name: 'Attempts' }).getByRole('row')
      const zoomed = await rows.count()
      await window.shoot(page, 'timeline-table')
      expect(await findAxeFailures(page)).toEqual([])
      await page.getByRole('button', { name: 'All', exact: true }).click()
      await expect.poll(() => rows.count()).toBeGreaterThan(zoomed)
      expect(open.complaints).toEqual([])
    })

    test('zooms into what is drawn over, and back to the last minutes', async () => {
      const data = littleData()
      await using open = await window.open(data, `/jobs/${data.jobs[1]!.id}?tab=timeline`)
      const { page } = open
      const back = page.getByRole('button', { name: 'Last minutes' })
      const lanes = page.getByRole('application')
      const box = (await lanes.boundingBox())!
      expect(await back.isDisabled()).toBe(true)
      await page.mouse.move(box.x + box.width / 2, box.y + 60)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width / 2 + 80, box.y + 60, { steps: 4 })
      await window.shoot(page, 'timeline-brush')
      await page.mouse.up()
      await expect.poll(() => back.isEnabled()).toBe(true)
      await page.mouse.wheel(0, -400)
      await window.shoot(page, 'timeline-brushed')
      await back.click()
      await expect.poll(() => back.isDisabled()).toBe(true)
      expect(open.complaints).toEqual([])
    })

    test('scrolls when there are more machines than fit, and says where it is when it is not here', async () => {
      const data = crowded()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=timeline`)
      const { page } = open
      await page.getByRole('application').waitFor()
      const scroller = page.locator('.timeline-scroll')
      expect(await scroller.evaluate((box) => box.scrollHeight - box.clientHeight)).toBeGreaterThan(
        100,
      )
      await window.shoot(page, 'timeline-crowded')
      const elsewhere: WindowData = {
        ...data,
        timeline: () => ({
          at: 0,
          from: 0,
          note: 'Only the head remembers who ran what and when: open the window on anna.',
          peers: [],
          attempts: [],
        }),
      }
      await using other = await window.open(elsewhere, `/jobs/${data.jobs[0]!.id}?tab=timeline`)
      await other.page.getByText('open the window on anna').waitFor()
    })
  })

  describe('failures', () => {
    test('are grouped by cause, and a cause shows its items with their pictures', async () => {
      const data = twoCauses()
      await using open = await window.open(data, `/jobs/${data.jobs[0]!.id}?tab=failures`)
      const { page } = open
      await page.getByText('3 items', { exact: true }).waitFor()
      await window.shoot(page, 'failures')
      await page.getByRole('button', { name: 'The file is truncated' }).press('Enter')
      await page.getByText('1 item with this cause').waitFor()
      await expect.poll(() => page.locator('.result-rows .grid-row').count()).toBe(1)
      await page.locator('.result-rows img').waitFor()
      await window.shoot(page, 'failures-chosen')
      expect(await findAxeFailures(page)).toEqual([])
      await page.getByRole('button', { name: 'All causes' }).click()
      await page.getByText('3 items', { exact: true }).waitFor()
    })
  })

  describe('the rows', () => {
    test('are saved as a file in the format that was chosen', async () => {
      const data = littleData()
      const files = { folder: '/home/anna/outputs/x/files', count: 12, bytes: 3_400 }
      const job = { ...data.jobs[1]!, outputFiles: files }
      const jobs = data.jobs.map((one) => (one.id === job.id ? job : one))
      await using open = await window.open({ ...data, jobs }, `/jobs/${job.id}?tab=rows`)
      const { page } = open
      await page.getByText('12 files').waitFor()
      await page.getByRole('button', { name: 'Export' }).click()
      await page.getByRole('menuitem', { name: 'Parquet' }).waitFor()
      await window.shoot(page, 'rows-export')
      expect(await findAxeFailures(page)).toEqual([])
      const saved = page.waitForEvent('download')
      await page.getByRole('menuitem', { name: 'CSV' }).click()
      const download = await saved
      expect(download.suggestedFilename()).toBe(`${job.id}.csv`)
      expect(await readFile(await download.path(), 'utf8')).toBe(`rows of ${job.id}`)
    })
  })

  describe('a resubmit', () => {
    test('sends only what was changed, shows a refusal at its field, and goes to the new job', async () => {
      const data = littleData()
      const job = data.jobs[1]!
      await using open = await window.open(here(data, job), `/jobs/${job.id}`)
      const { page, fixture } = open
      await page.getByRole('button', { name: 'Resubmit' }).click()
      const form = page.getByRole('dialog')
      const size = form.getByLabel('Mini-batch size')
      await expect.poll(() => size.inputValue()).toBe('10')
      await size.fill('0')
      await form.getByLabel('Machines').fill('2')
      await form.getByText('2 fields changed.').waitFor()
      await form.getByRole('button', { name: 'Submit' }).click()
      await form.getByText('"mini_batch_size" is 0, but must be').waitFor()
      expect(await size.getAttribute('aria-invalid')).toBe('true')
      await window.shoot(page, 'resubmit-refused')
      expect(await findAxeFailures(page)).toEqual([])
      await size.fill('50')
      await form.getByLabel('Machines').fill('')
      await form.getByLabel('Name').fill('digits-fifty')
      await window.shoot(page, 'resubmit')
      await form.getByRole('button', { name: 'Submit' }).click()
      await page.getByRole('heading', { name: 'digits-fifty' }).waitFor()
      expect(fixture.commands.at(-1)?.body).toMatchObject({
        overrides: { mini_batch_size: 50, name: 'digits-fifty' },
      })
    })

    test('says where the data is when it is elsewhere', async () => {
      const data = littleData()
      const job = { ...data.jobs[1]!, dataPeer: 'peer-1', dataPeerName: 'ben' }
      await using open = await window.open({ ...data, jobs: [job] }, `/jobs/${job.id}`)
      const { page } = open
      await page.getByRole('button', { name: 'Resubmit' }).click()
      await page.getByText('The files of this job are on ben').waitFor()
      await page.getByText(`muster job resubmit ${job.id}`).waitFor()
      await window.shoot(page, 'resubmit-elsewhere')
    })
  })

  test('the header says for whom a job waits', async () => {
    const data = littleData()
    const reason = 'Waits for ben, which holds the files.'
    const job = { ...data.jobs[0]!, reason, itemsPerSecond: null, secondsLeft: null, leased: 0 }
    await using open = await window.open({ ...data, jobs: [job] }, `/jobs/${job.id}`)
    await open.page.getByText(reason).waitFor()
    await window.shoot(open.page, 'header-waits')
    expect(await findAxeFailures(open.page)).toEqual([])
  })
})

/** The same data as seen from the machine that holds the job's files: the fixture is `peer-0`. */
const here = (data: WindowData, job: JobView): WindowData => ({
  ...data,
  jobs: data.jobs.map((each) => (each === job ? { ...each, dataPeer: 'peer-0' } : each)),
})

/** One running job of a million mini-batches of one item, of which one failed. */
const millionCells = (): WindowData => {
  const data = littleData()
  const job = {
    ...data.jobs[0]!,
    name: 'cells',
    items: 1_000_000,
    miniBatches: 1_000_000,
    committed: 700_000,
    itemsSucceeded: 699_999,
    leased: 400,
  }
  const letters = Buffer.alloc(1_000_000, '.').fill('c', 0, 700_000).fill('l', 700_000, 700_400)
  letters.write('f', 123_456)
  const states = letters.toString('latin1')
  return { ...data, jobs: [job], states: () => states }
}

/** As many machines as a large office has, four slots each. */
const crowded = (): WindowData => {
  const data = muchData()
  const job = { ...littleData().jobs[0]!, dataPeer: 'peer-0' }
  const names = data.machines.map(({ peer, name }) => ({ peer, name }))
  const timeline: WindowData['timeline'] = (of, since) => {
    const { at, attempts } = littleData().timeline(of, since)
    const ofBen = attempts.filter(({ peer }) => peer === 1)
    return {
      at,
      from: 0,
      note: '',
      peers: names,
      attempts: names.flatMap((_, peer) =>
        ofBen.map((span) => ({ ...span, peer, miniBatch: span.miniBatch + peer * 10_000 })),
      ),
    }
  }
  return { ...data, jobs: [job], timeline }
}

/** A job whose three failed items have two causes; only one of them is a picture all the same. */
const twoCauses = (): WindowData => {
  const data = littleData()
  const truncated = 'The file is truncated: 512 of 2,048 bytes are there.'
  return {
    ...data,
    row: (job, item) => {
      const row = data.row(job, item)
      return item === 42 || (row.failure !== '' && item > 5_000)
        ? item === 42
          ? { ...row, value: null, failure: truncated }
          : { ...data.row(job, 0), item, name: row.name }
        : row
    },
    detail: (job) => {
      const detail = data.detail(job)
      const [image, died] = detail.failures
      const first = { ...image!.first, item: '00042.png', miniBatch: 4, attempt: 2 }
      return {
        ...detail,
        failures: [
          { ...image!, count: 2 },
          { ...image!, message: truncated, common: truncated, count: 1, first },
          died!,
        ],
      }
    },
  }
}

const currentName = (page: Page): Promise<string | null> =>
  page.locator('.tile.current').getAttribute('title')

const expectInside = async (inner: Locator, outer: Locator): Promise<void> => {
  const [a, b] = [(await inner.boundingBox())!, (await outer.boundingBox())!]
  expect(a.y).toBeGreaterThanOrEqual(b.y - 1)
  expect(a.y + a.height).toBeLessThanOrEqual(b.y + b.height + 1)
}

const drawTimes = (page: Page): Promise<readonly number[]> =>
  page.evaluate(() => performance.getEntriesByName('muster-map').map(({ duration }) => duration))

/** Whether anything stands in the middle of the upper half of a canvas. */
const isDrawn = (element: Element): boolean => {
  const { width, height } = element as HTMLCanvasElement
  const context = (element as HTMLCanvasElement).getContext('2d')
  const { data } = context!.getImageData(width / 2, height / 4, 8, 8)
  return data.some((value) => value > 0)
}

/** Whether a canvas shows the red of failures anywhere. */
const reddestPixel = (canvas: Locator): Promise<boolean> =>
  canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement
    const context = (element as HTMLCanvasElement).getContext('2d')
    const { data } = context!.getImageData(0, 0, width, height)
    for (let at = 0; at < data.length; at += 4)
      if (data[at]! > 180 && data[at + 1]! < 60 && data[at + 2]! < 90 && data[at + 3]! > 200)
        return true
    return false
  })

/** Whether a dark line stands in the gap before a cell of the first line. */
const lineBefore = (canvas: Locator, cell: number): Promise<boolean> =>
  canvas.evaluate((element, index) => {
    const { width, height } = element as HTMLCanvasElement
    const context = (element as HTMLCanvasElement).getContext('2d')
    // The first line of cells tells their size: where the colour ends and begins again.
    const row = context!.getImageData(0, 4, width, 1).data
    const filled = (x: number): boolean => row[x * 4 + 3]! > 200 && row[x * 4 + 1]! > 100
    const starts = Array.from({ length: width }, (_, x) => x).filter(
      (x) => filled(x) && !filled(x - 1),
    )
    const x = starts[index]
    if (x === undefined || height === 0) return false
    const gap = [x - 2, x - 1].map((at) => row.slice(at * 4, at * 4 + 4))
    return gap.some(([red, green, blue, alpha]) => alpha! > 100 && red! + green! + blue! < 150)
  }, cell)
