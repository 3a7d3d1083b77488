/** Name of the note in `meta` that the file must be written anew, since a job was forgotten. */
export const rewriteNote = 'rewrite'
