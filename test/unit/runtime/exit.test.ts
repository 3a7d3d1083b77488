import { expect, test } from 'vitest'
import { classifyExit, gaveUpOnScript } from '#agent/runtime/exit.ts'

const facts = { pid: 7, code: null, signal: null, killed: false, stderr: '' }

test.each([
  [{ ...facts, signal: 'SIGKILL', killed: true }, 'killed', 'stopped by its agent'],
  [{ ...facts, signal: 'SIGKILL' }, 'out-of-memory', 'killed by the system'],
  [{ ...facts, code: 137 }, 'out-of-memory', 'killed by the system'],
  [
    {
      ...facts,
      signal: 'SIGABRT',
      stderr:
        '\n<--- Last few GCs --->\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native',
    },
    'out-of-memory',
    'heap out of memory',
  ],
  [
    { ...facts, signal: 'SIGABRT', stderr: 'terminate: std::bad_alloc\n' },
    'out-of-memory',
    'bad_alloc',
  ],
  [{ ...facts, signal: 'SIGSEGV' }, 'crashed', '(SIGSEGV)'],
  // Killed as it ended already: the agent had heard of its script's end first.
  [{ ...facts, signal: 'SIGSEGV', killed: true }, 'crashed', '(SIGSEGV)'],
  [{ ...facts, code: 0, killed: true }, 'killed', 'stopped by its agent'],
  [
    { ...facts, signal: 'SIGKILL', killed: true, stderr: `Error: ${gaveUpOnScript}: no words\n` },
    'crashed',
    `Error: ${gaveUpOnScript}: no words`,
  ],
  [
    {
      ...facts,
      code: 1,
      stderr:
        'file:///a/b.ts:3\n    throw new Error("x")\n    ^\n\nError: no such thing\n    at file:///a/b.ts:3:9\n\nNode.js v26',
    },
    'crashed',
    '(exit code 1): Error: no such thing',
  ],
  [{ ...facts, code: 0 }, 'stopped', 'ended by itself'],
] as const)('%j', (end, kind, words) => {
  const exit = classifyExit(end)
  expect(exit.kind).toBe(kind)
  expect(exit.message).toContain(words)
  expect(exit.message).toMatch(/^Worker process 7 [^\n]*\.$/)
})
