import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from './browser.ts'
import type { BrowserProgram } from './browser.ts'
import type { WindowData } from './window-data.ts'
import { startWindowFixture } from './window-fixture.ts'
import type { WindowFixture } from './window-fixture.ts'
import { buildPage, goTo, openPage } from './window-page.ts'
import type { OpenPage, OpenPageOptions } from './window-page.ts'

/** The built page and a browser, for all tests of one file. */
export interface WindowBrowser extends AsyncDisposable {
  readonly browser: Browser
  readonly pageFolder: string
  /** A page of its own agent with this data, at a place such as `/jobs`. */
  readonly open: (
    data: WindowData,
    place: string,
    options?: Omit<OpenPageOptions, 'signInUrl'>,
  ) => Promise<FixturePage>
  /** Keeps a picture for a person to look at, if MUSTER_PICTURES names a folder. */
  readonly shoot: (page: Page, name: string) => Promise<void>
}

export interface FixturePage extends OpenPage {
  readonly fixture: WindowFixture
}

export const openWindowBrowser = async (
  program: BrowserProgram | undefined,
): Promise<WindowBrowser> => {
  const pictures = process.env['MUSTER_PICTURES']
  const pageFolder = await buildPage()
  if (pictures !== undefined) await mkdir(pictures, { recursive: true })
  const browser = await openBrowser(program)
  return {
    browser,
    pageFolder,
    open: async (data, place, options = {}) => {
      const fixture = await startWindowFixture({ data, pageFolder })
      const open = await openPage(browser, { signInUrl: await fixture.signInUrl(), ...options })
      await goTo(open.page, place)
      return {
        ...open,
        fixture,
        [Symbol.asyncDispose]: async () => {
          await open[Symbol.asyncDispose]()
          await fixture[Symbol.asyncDispose]()
        },
      }
    },
    shoot: async (page, name) => {
      if (pictures === undefined) return
      await page.evaluate(async () => document.fonts.ready.then(() => undefined))
      await page.screenshot({ path: join(pictures, `${name}.png`) })
    },
    [Symbol.asyncDispose]: async () => {
      await browser.close()
      await rm(pageFolder, { recursive: true, force: true })
    },
  }
}
