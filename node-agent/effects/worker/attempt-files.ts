import type { Packs } from '#agent/ports/packs.ts'
import type { RunOutcome } from '#agent/ports/runtime.ts'
import type { JobId } from '#protocol/model/ids.ts'
import type { AttemptRows } from '#protocol/model/rows.ts'

/** Makes the files of an attempt a blob. An attempt whose files could not be kept has not succeeded. */
export const takeFiles = async (
  packs: Packs,
  job: JobId,
  outcome: RunOutcome,
): Promise<{ readonly outcome: RunOutcome; readonly files?: Pick<AttemptRows, 'files'> }> => {
  if (outcome.kind === 'threw' || outcome.files === undefined) return { outcome }
  const { pack, list } = outcome.files
  const taken = await packs.take(job, pack)
  if (taken.ok) return { outcome, files: { files: { pack: taken.value, list } } }
  const message = `The files that run() left could not be kept: ${taken.error.message}`
  return { outcome: { kind: 'threw', message, runMs: outcome.runMs } }
}
