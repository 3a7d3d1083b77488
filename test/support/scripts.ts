import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createBundler } from '#agent/bundle/bundler.ts'
import type { Log } from '#agent/ports/log.ts'
import type { IdleRuntime, RunOutcome, StartProcess, WorkerProcess } from '#agent/ports/runtime.ts'
import { createModelRuntime } from '#agent/runtime/model-runtime.ts'
import { withScripts } from '#agent/runtime/script/script-runtime.ts'
import type { MusterError } from '#protocol/errors.ts'
import { asJobId } from '#protocol/model/ids.ts'
import type { NodeJobSpec } from '#protocol/model/job.ts'
import type { Result } from '#protocol/model/result.ts'
import { plainBase } from './job-specs.ts'

const silent: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
}

export interface ScriptSetup {
  /** Files beside the script, by path. */
  readonly beside?: Readonly<Record<string, string | Uint8Array>>
  readonly spec?: Partial<NodeJobSpec>
  readonly modelPath?: string
  /** Paths of models that `spec.models` names. */
  readonly models?: Readonly<Record<string, string>>
  /** Target of links that are planted in the bundle's folder before the start, and in the output folder after it. */
  readonly plant?: string
  readonly sandbox?: boolean
  readonly initMs?: number
  readonly memoryBytes?: number
  /** A runtime process that a script has left; without, a new one. */
  readonly idle?: IdleRuntime
}

/** An agent's runtime for scripts in a folder of its own; every process it started dies with it. */
export interface ScriptLab extends AsyncDisposable {
  readonly home: string
  readonly job: string
  /** Number of the next script: names its folders. */
  readonly next: () => number
  /** Bundles a script as a submission does and starts it. */
  readonly start: (
    source: string,
    setup?: ScriptSetup,
  ) => Promise<Result<WorkerProcess, MusterError>>
  /** The same; @throws Error with the sentence if it does not start. */
  readonly started: (source: string, setup?: ScriptSetup) => Promise<WorkerProcess>
}

export const createScriptLab = async (): Promise<ScriptLab> => {
  const home = await mkdtemp(join(tmpdir(), 'muster-script-'))
  const processes: WorkerProcess[] = []
  const job = asJobId('job00000000000000000000script')
  let scripts = 0

  const start: ScriptLab['start'] = async (source, setup = {}) => {
    scripts += 1
    const folder = join(home, 'source', String(scripts))
    const placed = join(home, 'placed', String(scripts))
    await writeAll(folder, { ...setup.beside, 'score.ts': source })
    const bundled = await createBundler().bundle(
      { entry: join(folder, 'score.ts') },
      new AbortController().signal,
    )
    if (!bundled.ok) return bundled
    const [bundle] = bundled.value.files
    if (bundle === undefined || !(bundle.content instanceof Uint8Array))
      throw new Error('no bundle')
    await writeAll(placed, { ...setup.beside, [bundle.path]: bundle.content })
    const { sandbox, initMs, plant } = setup
    if (plant !== undefined) await symlink(plant, join(placed, 'leads-out.txt'))
    const runtime = withScripts(createModelRuntime({ log: silent }), {
      log: silent,
      home,
      allowed: true,
      ...(sandbox === undefined ? {} : { sandbox }),
      ...(initMs === undefined ? {} : { initMs }),
    })
    const options: StartProcess = {
      spec: specOf(bundle.path, setup),
      modelPath: setup.modelPath,
      ...(setup.models === undefined ? {} : { models: setup.models }),
      scriptFolder: placed,
      job,
      workerIndex: scripts,
      threads: 1,
      memoryBytes: setup.memoryBytes ?? 2 ** 30,
      signal: new AbortController().signal,
    }
    const made = await (setup.idle ?? runtime).start(options)
    if (plant !== undefined)
      await symlink(plant, join(home, 'script-output', job, String(scripts), 'planted'))
    if (made.ok) processes.push(made.value)
    return made
  }
  return {
    home,
    job,
    next: () => scripts + 1,
    start,
    started: async (source, setup) => {
      const made = await start(source, setup)
      if (made.ok) return made.value
      throw new Error(made.error.message)
    },
    [Symbol.asyncDispose]: async () => {
      for (const process of processes) process.kill()
      await Promise.all(processes.map((process) => process.exited))
      await rm(home, { recursive: true, force: true })
    },
  }
}

const writeAll = async (
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    const whole = join(folder, path)
    await mkdir(dirname(whole), { recursive: true })
    await writeFile(whole, content)
  }
}

const specOf = (bundle: string, setup: ScriptSetup): NodeJobSpec => ({
  ...plainBase({ root: '/', patterns: [] }),
  name: 'scripted',
  runtime: 'node',
  script: {
    entry: 'score.ts',
    files: [{ path: bundle, blob: 'none' as NodeJobSpec['script']['files'][0]['blob'], bytes: 0 }],
  },
  arguments: [],
  environment: {},
  ...(setup.modelPath === undefined ? {} : { model: { name: 'digits', version: 1, files: [] } }),
  miniBatchSize: { kind: 'items', items: 3 },
  maxAttempts: 1,
  ...setup.spec,
})

/** Runs a mini-batch of files with these contents, named `0.txt`, `1.txt` and so on. */
export const runItems = (
  process: WorkerProcess,
  contents: readonly (string | Uint8Array)[],
): Promise<RunOutcome> =>
  process.run({
    miniBatch: 7,
    attempt: 1,
    items: contents.map((content, at) => ({
      item: 70 + at,
      name: `${at}.txt`,
      bytes: typeof content === 'string' ? Buffer.from(content) : content,
    })),
  })
