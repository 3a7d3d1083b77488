import { plural } from '#protocol/model/plural.ts'
import type { WorkerState } from './state.ts'

/** What this worker does and what it waits for, in sentences. */
export const explain = (state: WorkerState): readonly string[] => {
  const lines: string[] = []
  if (state.link === 'none') lines.push('No head is connected; what is held goes on.')
  if (state.link === 'greeting') lines.push('The head has not answered the greeting yet.')
  if (state.draining) lines.push('The agent stops and takes nothing new.')
  else if (state.slots === 0) {
    lines.push(`No work is taken${state.slotsReason === '' ? '' : `: ${state.slotsReason}`}.`)
  }
  for (const entry of state.jobs.values()) {
    if (entry.refused !== null) lines.push(`Job ${entry.id} may not run here: ${entry.refused}`)
    if (entry.unfinished.size === 0) continue
    const processes = [...state.processes.values()].filter(({ job }) => job === entry.id)
    const busy = processes.filter(({ queue }) => queue.length > 0).length
    lines.push(
      `Job ${entry.id}: ${plural(entry.unfinished.size, 'mini-batch', 'mini-batches')} to do, ` +
        `${String(entry.fetching)} of them being fetched; ${plural(processes.length, 'process', 'processes')}, ${String(busy)} busy.`,
    )
    if (entry.job === null) lines.push(`Its record has not arrived yet.`)
    else if (entry.inputs === 'gathering') lines.push('Its inputs are being made ready here.')
    else if (state.now < entry.retryAt)
      lines.push('Its process could not start; it is tried again.')
    else if (processes.length === 0) lines.push('It waits for a slot that another job uses.')
  }
  if (state.reports.size() > 0) {
    lines.push(`${plural(state.reports.size(), 'result')} wait for the head's word.`)
  }
  return lines
}
