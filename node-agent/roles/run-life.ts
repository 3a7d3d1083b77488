import { createRegistry } from '#agent/effects/control/registry/registry.ts'
import type { Registry } from '#agent/effects/control/registry/registry.ts'
import { createRunEngine } from '#agent/effects/runs/run-engine.ts'
import type { RunEngine, RunRules } from '#agent/effects/runs/run-engine.ts'
import { createRunJobs } from '#agent/effects/runs/run-jobs.ts'
import { createRuns } from '#agent/effects/runs/runs.ts'
import type { Runs } from '#agent/effects/runs/run-wishes.ts'
import { createSchedules } from '#agent/effects/runs/schedules.ts'
import type { Schedules } from '#agent/effects/runs/schedules.ts'
import { createSubmitting } from '#agent/effects/submit/submit.ts'
import type { Submitting } from '#agent/effects/submit/submit.ts'
import { nextSteps, pipelineState } from '#agent/job/pipeline.ts'
import { reuseText } from '#agent/job/reuse.ts'
import { freshMemory, lookAtFolder, lookAtTimes, upTo } from '#agent/job/schedule.ts'
import type { PeerId } from '#protocol/model/ids.ts'
import type { Role } from '#protocol/model/member.ts'
import type { Schedule } from '#protocol/model/pipeline.ts'
import type { Adapters } from './adapters.ts'

/** The submitter's part of an agent: what it asks for, its pipeline runs, its schedules. */
export interface RunLife extends AsyncDisposable {
  readonly submitting: Submitting
  readonly runs: Runs
  readonly engine: RunEngine
  readonly schedules: Schedules
  readonly rules: RunRules
  readonly registry: Registry
}

export interface RunLifeDeps {
  readonly adapters: Adapters
  readonly rolesOf: (peer: PeerId) => readonly Role[]
  readonly nameOf: (peer: PeerId) => string
  readonly mappedShares: () => Readonly<Record<string, string>>
}

export const createRunLife = (deps: RunLifeDeps): RunLife => {
  const { adapters, rolesOf, nameOf } = deps
  const { paths, sha256, timetable, log } = adapters
  const { self } = adapters.keys
  const submitting = createSubmitting({ ...adapters, ...paths, ...deps, self })
  const registry = createRegistry({ ...adapters, ...deps, self })
  const runJobs = createRunJobs({
    ...adapters,
    ...paths,
    self,
    reuseKey: (spec, contents) => sha256(reuseText(spec, adapters.version, contents)),
  })
  const runs = createRuns({
    ...adapters,
    self,
    known: registry.known,
    submitting,
    runJobs,
    rolesOf,
    nameOf,
    scheduleProblem: ({ trigger }: Schedule) =>
      trigger.kind === 'cron' ? timetable.problem(trigger.expression, trigger.timezone) : undefined,
  })
  const rules = { nextSteps, pipelineState }
  const engine = createRunEngine({
    ...adapters,
    self,
    log: log.child('runs'),
    runJobs,
    rules,
  })
  const schedules = createSchedules({
    ...adapters,
    self,
    log: log.child('schedules'),
    runs: () => runs,
    rules: { freshMemory, upTo, lookAtTimes, lookAtFolder },
  })
  return {
    submitting,
    runs,
    engine,
    schedules,
    rules,
    registry,
    [Symbol.asyncDispose]: async () => {
      await schedules[Symbol.asyncDispose]()
      await engine[Symbol.asyncDispose]()
    },
  }
}
