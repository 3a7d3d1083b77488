import type { PipelineStep } from '#protocol/model/pipeline.ts'

/** What decides which steps may start; parts of a `PipelineRun`. */
export type Steps = readonly Pick<PipelineStep, 'name' | 'wires' | 'after'>[]

/** Steps that must have completed before this one. */
export const needsOf = ({ wires, after }: Steps[number]): readonly string[] => [
  ...new Set([...wires.map(({ step }) => step), ...after]),
]

/** The steps of a cycle, the first one again at the end; undefined if every step can be reached. */
export const findCycle = (steps: Steps): readonly string[] | undefined => {
  const needs = new Map(steps.map((step) => [step.name, needsOf(step)]))
  const done = new Set<string>()
  const visit = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (done.has(name)) return undefined
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name].toReversed()
    for (const need of needs.get(name) ?? []) {
      const cycle = visit(need, [...trail, name])
      if (cycle !== undefined) return cycle
    }
    done.add(name)
    return undefined
  }
  for (const { name } of steps) {
    const cycle = visit(name, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
