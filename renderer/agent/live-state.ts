import type {
  DeltaView,
  MachineView,
  ModelView,
  SnapshotView,
} from '../../protocol/control/views.ts'
import type { JobView } from '../../protocol/control/job-views.ts'

/** Folds one delta into the snapshot. What did not change keeps its identity, so React skips it. */
export const applyDelta = (
  state: SnapshotView,
  sequence: number,
  delta: DeltaView,
): SnapshotView => {
  const next = { ...state, sequence }
  switch (delta.kind) {
    case 'agent-changed':
      return { ...next, agent: delta.agent }
    case 'cluster-changed':
      return { ...next, cluster: delta.cluster }
    case 'machine-changed':
      return { ...next, machines: withMachine(state.machines, delta.machine) }
    case 'machine-removed':
      return { ...next, machines: state.machines.filter(({ peer }) => peer !== delta.peer) }
    case 'job-changed':
      return { ...next, jobs: withJob(state.jobs, delta.job) }
    case 'model-changed':
      return { ...next, models: withModel(state.models, delta.model) }
  }
}

const withMachine = (machines: readonly MachineView[], machine: MachineView): MachineView[] =>
  machines.some(({ peer }) => peer === machine.peer)
    ? machines.map((known) => (known.peer === machine.peer ? machine : known))
    : [...machines, machine]

/** Jobs stay newest first. */
const withJob = (jobs: readonly JobView[], job: JobView): JobView[] =>
  jobs.some(({ id }) => id === job.id)
    ? jobs.map((known) => (known.id === job.id ? job : known))
    : [job, ...jobs].sort((a, b) => b.submittedAt - a.submittedAt)

const withModel = (models: readonly ModelView[], model: ModelView): ModelView[] => [
  model,
  ...models.filter(({ name, version }) => name !== model.name || version !== model.version),
]
