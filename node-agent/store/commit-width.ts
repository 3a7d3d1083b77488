/** Numbers of one commit in `CommitColumns.columns`; apart, since the agent's thread opens no database. */
export const commitWidth = 7
