import type { CliExample } from './cli-example.ts'

const gpuPool = {
  name: 'gpu',
  description: '',
  minPeers: 1,
  maxPeers: 4,
  filter: { names: [], tags: [], gpu: true, memoryBytes: 0 },
  createdAt: 1_764_064_000_000,
  allocationState: 'Resizing',
  currentPeers: 1,
  targetPeers: 2,
  peerStates: { idle: 0, running: 1, preparing: 0, unusable: 0, away: 1 },
  errors: ['dora: It does not answer; it may be switched off.'],
} as const

/** Examples of `muster pool`. */
export const poolExamples: readonly CliExample[] = [
  {
    command: 'pool create',
    line: 'muster pool create gpu --gpu --min 1 --max 4',
    schema: 'Pool',
    answer: gpuPool,
  },
  { command: 'pool list', line: 'muster pool list', schema: 'Pools', answer: { pools: [gpuPool] } },
  { command: 'pool show', line: 'muster pool show gpu', schema: 'Pool', answer: gpuPool },
  {
    command: 'pool remove',
    line: 'muster pool remove gpu',
    schema: 'Done',
    answer: { done: true },
  },
]
