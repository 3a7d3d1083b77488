import type { CliExample } from './cli-example.ts'

/** Examples of what shells ask `muster` for. */
export const shellExamples: readonly CliExample[] = [
  {
    command: 'names',
    line: 'muster names models',
    schema: 'Names',
    answer: { kind: 'models', names: ['mnist', 'mnist:2', 'mnist:1'] },
  },
  {
    command: 'completion',
    line: 'muster completion bash',
    schema: 'Completion',
    answer: { shell: 'bash', script: '_muster() { ... }\n' },
  },
]
