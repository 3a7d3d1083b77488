/** Azure's fields that this version does not have, and what to do instead. */
export const unsupportedFields: ReadonlyMap<string, string> = new Map([
  ['code', 'use source_directory'],
  ['program_arguments', 'use arguments'],
  ['environment', 'what a script imports is bundled into it; leave it out'],
  ['compute_target', 'name a pool with compute'],
  ['task', 'write its fields at the top level of the job file'],
  ['type', 'a job file describes one parallel job; leave it out'],
  ['jobs', 'name the steps of a pipeline under steps'],
  ['side_inputs', 'one input is read, the one that is cut; leave it out'],
  ['input_data', 'the one input is the one that is cut; leave it out'],
  ['outputs', 'the output is the file append_row_file_name; leave it out'],
  ['partition_keys', 'cut by mini_batch_size'],
])
