/**
 * Id of a job by its name, for whoever looks at rows. A job that was forgotten has none to show, though some of
 * them may wait to be deleted: see `write/forgotten-rows.ts`.
 */
export const shownJob = '(SELECT id FROM job WHERE name = ? AND id NOT IN (SELECT job FROM gone))'
