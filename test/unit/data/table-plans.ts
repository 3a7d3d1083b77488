import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { createPlanner } from '#agent/data/plan/planner.ts'
import { directAccess } from '#agent/data/readers/file-access.ts'
import type { FileAccess } from '#agent/data/readers/file-access.ts'
import { readTable } from '#agent/data/readers/read-table.ts'
import type { TableRecord } from '#agent/data/readers/read-table.ts'
import type { PlanPosition } from '#agent/ports/plan.ts'
import type { RunTable } from '#agent/ports/runtime.ts'
import { MusterFailure } from '#protocol/errors.ts'
import type { JobSpec } from '#protocol/model/job.ts'
import type { TableInput } from '#protocol/model/input.ts'
import { itemsOf, miniBatchesOf } from '#protocol/model/plan.ts'
import type { PlannedSlice, TablePlanChunk } from '#protocol/model/plan.ts'
import { job, specOf } from './specs.ts'

/** Tables in folders, their plans, and what is read by them. */

const forever = new AbortController().signal

export interface Setup extends Partial<Omit<TableInput, 'kind'>> {
  readonly root: string
  readonly bytes?: number
  readonly keys?: readonly string[]
  readonly more?: readonly TableInput[]
}

export const tableOf = ({
  root,
  name = 'prices',
  patterns = ['**/*'],
  ...rest
}: Setup): TableInput => ({
  kind: 'table',
  name,
  root,
  patterns,
  format: rest.format ?? 'delimited',
  delimiter: rest.delimiter ?? ',',
  header: rest.header ?? true,
})

export const tableSpec = (setup: Setup): JobSpec => ({
  ...specOf({ root: setup.root }),
  inputs: [tableOf(setup), ...(setup.more ?? [])],
  miniBatchSize: { kind: 'bytes', bytes: setup.bytes ?? 1_048_576 },
  partitionKeys: setup.keys ?? [],
})

export const planAll = async (
  spec: JobSpec,
  behind?: PlanPosition,
  access: FileAccess = directAccess,
): Promise<TablePlanChunk[]> => {
  const chunks: TablePlanChunk[] = []
  for await (const chunk of createPlanner({ access }).plan(job, spec, behind, forever)) {
    if (chunk.kind !== 'table') throw new Error('a plan of files')
    chunks.push(chunk)
  }
  return chunks
}

export const failureOf = async (work: Promise<unknown>): Promise<string> => {
  const thrown: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof MusterFailure)) throw new Error('no MusterFailure', { cause: thrown })
  return thrown.error.message
}

/** Slices by mini-batch, of all chunks. */
export const miniBatchesIn = (chunks: readonly TablePlanChunk[]): PlannedSlice[][] =>
  chunks.flatMap(({ runs, slices }) => {
    const rest = [...slices]
    return runs.flatMap((run) =>
      Array.from({ length: run.count }, () => {
        const taken: PlannedSlice[] = []
        let records = 0
        while (records < run.items) {
          const slice = rest.shift()
          if (slice === undefined) throw new Error('fewer records than the runs say')
          taken.push(slice)
          records += slice.records
        }
        expect(records).toBe(run.items)
        return taken
      }),
    )
  })

/** A mini-batch as a worker process on the data's own machine gets it. */
export const runTable = (
  spec: JobSpec,
  slices: readonly PlannedSlice[],
  firstItem = 0,
): RunTable => {
  const input = spec.inputs[slices[0]?.file.input ?? 0]
  if (input?.kind !== 'table') throw new Error('no table')
  let item = firstItem
  return {
    format: input.format,
    delimiter: input.delimiter,
    sources: slices.map(({ file, offset, length }) => ({
      name: file.name,
      columns: file.columns,
      offset,
      tailBytes: file.tailBytes,
      content: {
        path: join(input.root, file.name),
        length,
        fileBytes: file.bytes,
        modifiedMs: file.modifiedMs,
      },
    })),
    slices: slices.map(({ firstRecord, records }, source) => {
      const slice = { source, firstRecord, firstItem: item, records, skip: 0 }
      item += records
      return slice
    }),
  }
}

/** All records of a plan, each mini-batch read by itself. */
export const readAll = async (
  spec: JobSpec,
  chunks: readonly TablePlanChunk[],
): Promise<TableRecord[]> => {
  const found: TableRecord[] = []
  for (const slices of miniBatchesIn(chunks))
    found.push(...(await readTable(runTable(spec, slices, found.length))).records)
  return found
}

export const writeTables = async (
  root: string,
  files: Readonly<Record<string, string | Uint8Array>>,
) => {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
}

export const namesIn = (chunks: readonly TablePlanChunk[]): string[] =>
  chunks.flatMap(({ slices }) =>
    slices.map((one) => `${one.file.input}/${one.file.name}@${one.firstRecord}+${one.records}`),
  )

export const positionBehind = (chunk: TablePlanChunk | undefined): PlanPosition => {
  const slice = chunk?.slices.at(-1)
  if (chunk === undefined || slice === undefined) throw new Error('an empty chunk')
  return {
    chunk: chunk.chunk + 1,
    firstItem: chunk.firstItem + itemsOf(chunk),
    firstMiniBatch: chunk.firstMiniBatch + miniBatchesOf(chunk),
    file: slice.file,
    offset: slice.offset + slice.length,
    record: slice.firstRecord + slice.records,
  }
}
