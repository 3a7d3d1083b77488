import { mkdtemp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'

const require = createRequire(import.meta.url)

/** Builds the page into a fresh temporary folder and returns it; the caller removes it. */
export const buildPage = async (): Promise<string> => {
  const outDir = await mkdtemp(join(tmpdir(), 'muster-page-'))
  await build({
    configFile: fileURLToPath(new URL('../../renderer/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    build: { outDir, emptyOutDir: true },
  })
  return outDir
}

/** One tab, and everything it complained about. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page
  readonly context: BrowserContext
  /** Errors of the console and of scripts, policy violations, failed requests; empty when all is well. */
  readonly complaints: string[]
}

export interface OpenPageOptions {
  /** The one-time link of `muster ui`. */
  readonly signInUrl: string
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

/** Opens the page by a sign-in link and waits until it shows the agent's state. */
export const openPage = async (browser: Browser, options: OpenPageOptions): Promise<OpenPage> => {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1_280, height: options.height ?? 720 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
    locale: 'en-US',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(options.signInUrl)
  try {
    await page.getByRole('navigation', { name: 'Pages' }).waitFor({ timeout: 15_000 })
  } catch (thrown) {
    const text = await page.locator('body').innerText()
    throw new Error(`The page shows no state; it says "${text}" and: ${complaints.join('; ')}`, {
      cause: thrown,
    })
  }
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

/** Goes to a place inside the page, such as `/jobs`, without loading it again. */
export const goTo = async (page: Page, place: string): Promise<void> => {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#${place}`)
  await page.waitForFunction((hash) => location.hash === hash, `#${place}`)
}

/** Waits until the table of a job's rows shows at least one row with an answer, and returns their number. */
export const waitForRows = async (page: Page): Promise<number> => {
  await page.locator('.result-rows .grid-row:not(.waiting)').first().waitFor()
  return page.locator('.result-rows .grid-row').count()
}

/** Only tables may scroll sideways, in boxes of their own. */
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate(() => {
    const shell = document.querySelector('.shell-page')
    return (
      document.documentElement.scrollWidth > innerWidth ||
      (shell !== null && shell.scrollWidth > shell.clientWidth)
    )
  })

export interface AxeFinding {
  readonly id: string
  readonly impact: string
  readonly help: string
  readonly nodes: readonly string[]
}

/** Serious and critical accessibility failures, as axe-core finds them. */
export const findAxeFailures = async (page: Page): Promise<readonly AxeFinding[]> => {
  // The script runs by the debugger's protocol, so the page's strict policy can stay on.
  await page.evaluate(await axeSource())
  const found: readonly AxeFinding[] = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeAnswer> } }
    const { violations } = await axe.run()
    return violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`),
    }))
  })
  return found.filter(({ impact }) => impact === 'serious' || impact === 'critical')
}

interface AxeAnswer {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly help: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
  }[]
}

const axeSource = (): Promise<string> => readFile(require.resolve('axe-core/axe.min.js'), 'utf8')
