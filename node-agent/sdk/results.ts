import type { RowView } from '#protocol/control/job-views.ts'
import type { Workspace } from './workspace.ts'

const pageRows = 1_000

/** Rows of a job that are on the agent's machine, a page at a time: a million need no memory. */
export class Results implements AsyncIterable<RowView> {
  readonly workspace: Workspace
  readonly job: string

  constructor(workspace: Workspace, job: string) {
    this.workspace = workspace
    this.job = job
  }

  /** The first rows. */
  async head(count = 10): Promise<readonly RowView[]> {
    const rows: RowView[] = []
    if (count <= 0) return rows
    for await (const row of this) {
      rows.push(row)
      if (rows.length >= count) break
    }
    return rows
  }

  /** All rows and failed items. */
  async count(): Promise<number> {
    const query = { job: this.job, limit: 1 }
    return (await this.workspace.connection.call('results', { query })).total
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RowView> {
    let cursor: string | undefined
    for (;;) {
      const { rows, next } = await this.workspace.connection.call('results', {
        query: { job: this.job, limit: pageRows, ...(cursor === undefined ? {} : { cursor }) },
      })
      yield* rows
      if (next === null) return
      cursor = next
    }
  }
}
