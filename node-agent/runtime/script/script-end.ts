import type { ProcessExit } from '#agent/ports/runtime.ts'

export interface ScriptEndFacts {
  readonly code: number | null
  readonly signal: string | null
  /** The last it wrote to standard error; the script may have written anything there. */
  readonly stderr: string
}

/** Why a script process ended that nobody had asked to. */
export const explainEnd = (
  facts: ScriptEndFacts,
  script: { readonly entry: string; readonly heapMib: number },
  runtime: ProcessExit,
): ProcessExit => {
  const { entry, heapMib } = script
  // bubblewrap and shells tell a signal as 128 and its number.
  const signal = facts.signal ?? signals[facts.code ?? 0]
  // V8 aborts when its heap is full; only then are its words its own.
  if ((signal === 'SIGABRT' || signal === 'SIGTRAP') && memoryWords.test(facts.stderr))
    return {
      kind: 'out-of-memory',
      message: `The script ${entry} ran out of memory: its process may use ${heapMib} MiB for its objects here.`,
    }
  if (signal === 'SIGKILL') {
    // The runtime process went first: it crashed, or gave up on a script that wrote nonsense into their pipe.
    if (runtime.kind === 'crashed' || runtime.kind === 'out-of-memory') return runtime
    return {
      kind: 'out-of-memory',
      message: `The script ${entry} was killed by the system, most likely because memory ran out.`,
    }
  }
  if (signal !== undefined)
    return { kind: 'crashed', message: `The script ${entry} crashed (${signal}).` }
  const words = thrownWords(facts.stderr)
  if (facts.code === 1 && words !== '')
    return {
      kind: 'crashed',
      message: `The script ${entry} crashed outside of run(), by an error that nobody caught: ${words}.`,
    }
  return {
    kind: 'crashed',
    message: `The script ${entry} ended its own process (exit code ${facts.code ?? 'unknown'}) instead of returning.`,
  }
}

const signals: Readonly<Record<number, string>> = {
  132: 'SIGILL',
  133: 'SIGTRAP',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
}

const memoryWords =
  /heap out of memory|Fatal process out of memory|std::bad_alloc|Array buffer allocation failed|Failed to allocate memory/

const thrownWords = (stderr: string): string => {
  const line = stderr
    .split('\n')
    .findLast((text) => /^(?:Uncaught )?[A-Za-z]*Error\b|^\[[A-Z_]+\]|^Uncaught/.test(text))
  return (line ?? '')
    .trim()
    .slice(0, 300)
    .replace(/[.\s]+$/, '')
}
