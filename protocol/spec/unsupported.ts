/** Azure's fields that this version does not have, and what to do instead. */
export const unsupportedFields: ReadonlyMap<string, string> = new Map([
  ['code', 'use source_directory'],
  ['program_arguments', 'use arguments'],
  ['environment', 'what a script imports is bundled into it; leave it out'],
  ['compute_target', 'name a pool with compute'],
  ['task', 'write its fields at the top level of the job file'],
  ['type', 'a job file describes one parallel job; leave it out'],
  ['jobs', 'name the steps of a pipeline under steps'],
  [
    'input_data',
    'all inputs are split; leave it out, and name what is not split under side_inputs',
  ],
  ['outputs', 'the output is the file append_row_file_name; leave it out'],
])
