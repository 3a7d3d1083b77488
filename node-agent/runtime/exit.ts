import type { ProcessExit } from '#agent/ports/runtime.ts'

/** The last words of a runtime process whose script wrote nonsense into their pipe. */
export const gaveUpOnScript = 'the entry script wrote into the pipe of its worker process'

/** All that is known of a process that ended. */
export interface EndFacts {
  readonly pid: number
  readonly code: number | null
  readonly signal: string | null
  /** Whether the agent asked for the end. */
  readonly killed: boolean
  /** The last it wrote to standard error. */
  readonly stderr: string
}

/** Says why a process is gone. */
export const classifyExit = (facts: EndFacts): ProcessExit => {
  const name = `Worker process ${facts.pid}`
  // A script ends with its runtime process: where that is heard first, what ended already is killed as well.
  const gaveUp = facts.stderr.includes(gaveUpOnScript)
  const isOurs = facts.signal === null || facts.signal === 'SIGKILL'
  if (facts.killed && isOurs && !gaveUp)
    return { kind: 'killed', message: `${name} was stopped by its agent.` }
  if (memoryWords.test(facts.stderr)) {
    return {
      kind: 'out-of-memory',
      message: `${name} ran out of memory${lastWords(facts.stderr)}.`,
    }
  }
  // Nobody else has a reason to send SIGKILL to it than a system short of memory. 137: told by a container.
  if (!gaveUp && (facts.signal === 'SIGKILL' || facts.code === 137)) {
    const message = `${name} was killed by the system, most likely because memory ran out.`
    return { kind: 'out-of-memory', message }
  }
  if (facts.code === 0) return { kind: 'stopped', message: `${name} ended by itself.` }
  const how = facts.signal === null ? `exit code ${facts.code}` : facts.signal
  return { kind: 'crashed', message: `${name} crashed (${how})${lastWords(facts.stderr)}.` }
}

/** V8, C++ and ONNX Runtime on a failed allocation. */
const memoryWords =
  /heap out of memory|std::bad_alloc|Failed to allocate memory|Array buffer allocation failed/

/** Lines of a crash report that tell nothing alone: places in files, carets, empty frames. */
const useless = /^\s*(?:$|at |node:|file:|[\^~]+|\(node:|Node\.js v|#|-{3,}|<---|\d+: 0x)/
/** Lines that name a cause: JavaScript's, V8's and C++'s. */
const telling = /^(?:[A-Za-z]*Error\b|FATAL|terminate)/
const longestWords = 200

const lastWords = (stderr: string): string => {
  const lines = stderr.split('\n')
  const line = lines.find((text) => telling.test(text)) ?? lines.find((text) => !useless.test(text))
  if (line === undefined) return ''
  return `: ${line
    .trim()
    .slice(0, longestWords)
    .replace(/[.\s]+$/, '')}`
}
