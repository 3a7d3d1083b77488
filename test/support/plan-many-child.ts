// Plans a folder of files as an agent does, in its thread, each chunk encoded as its blob, and prints how many
// items it found and how large the plan is. `hold` keeps all that it planned, as it must not.
//
//   plan-many-child.ts plan|hold FOLDER
import process from 'node:process'
import { createThreadedPlanner } from '#agent/data/plan/threaded-planner.ts'
import type { PlanChunk } from '#protocol/model/plan.ts'
import { itemsOf } from '#protocol/model/plan.ts'
import { encodePlanChunk } from '#protocol/wire/plan/plan.ts'
import { job, specOf } from '../unit/data/specs.ts'

const [mode = '', root = ''] = process.argv.slice(2)
const held: PlanChunk[] = []
const forever = new AbortController().signal
let [items, bytes] = [0, 0]
for await (const chunk of createThreadedPlanner().plan(job, specOf({ root }), undefined, forever)) {
  items += itemsOf(chunk)
  bytes += encodePlanChunk(chunk).length
  if (mode === 'hold') held.push(chunk)
}
console.log(JSON.stringify({ items, bytes, held: held.length }))
process.exit(0)
