import type { Command } from 'commander'
import { limits } from '#protocol/limits.ts'
import { collect, readCount, readSetting, readTag } from './arguments.ts'
import type { Runs } from './runs.ts'

const description = ['--description <text>', 'what it is'] as const
const tag = ['--tag <key=value>', 'a tag, repeatable', readTag] as const
const share = ['--share <name>', 'share that holds it; the path is then below the share'] as const

/** Commands about datastores, datasets and the scripts that read them. */
export const addDataCommands = (program: Command, runs: Runs): void => {
  addDatastoreCommands(program, runs)
  addDatasetCommands(program, runs)
  program
    .command('script')
    .description('help with entry scripts')
    .command('skeleton')
    .description('write a TypeScript script to begin with, made from a Python entry script')
    .argument('<file>', 'a Python script with init() and run()')
    .option('--output <file>', 'where to write it (default: beside the script, ending in .ts)')
    .action(runs(async () => (await import('./commands/script-skeleton.ts')).scriptSkeleton))
}

const addDatastoreCommands = (program: Command, runs: Runs): void => {
  const datastore = program
    .command('datastore')
    .description('name places of data, for everybody in the cluster')
  datastore
    .command('register')
    .description('name a folder of this machine, or a place in a share; nothing is moved')
    .argument('<name>', 'name of the datastore')
    .requiredOption('--path <folder>', 'the folder')
    .option(...share)
    .option('--overwrite', 'replace what the name means now')
    .option(...description)
    .option(...tag)
    .action(runs(async () => (await import('./commands/datastore-register.ts')).datastoreRegister))
  datastore
    .command('list')
    .description('list the datastores, the default one first')
    .action(runs(async () => (await import('./commands/datastore-list.ts')).datastoreList))
  datastore
    .command('show')
    .description('show one datastore')
    .argument('<name>', 'name of the datastore')
    .action(runs(async () => (await import('./commands/datastore-show.ts')).datastoreShow))
  datastore
    .command('remove')
    .description('take the name back; the files stay')
    .argument('<name>', 'name of the datastore')
    .action(runs(async () => (await import('./commands/datastore-remove.ts')).datastoreRemove))
}

const addDatasetCommands = (program: Command, runs: Runs): void => {
  const dataset = program
    .command('dataset')
    .description('name choices of files and tables, and look into them')
  dataset
    .command('register')
    .description('name files or tables; the same name gets the next version')
    .argument('<name>', 'name of the dataset')
    .requiredOption('--path <folder>', 'folder of the files')
    .option('--datastore <name>', 'datastore that holds it; the path is then below the datastore')
    .option(...share)
    .option('--pattern <glob>', 'which files below the path, repeatable (default: all)', collect)
    .option('--table', 'each record is an item, not each file')
    .option(
      '--option <key=value>',
      'a field of an input in a job file, such as format or delimiter, repeatable',
      readSetting,
    )
    .option('--validate', 'look for the files now')
    .option(...description)
    .option(...tag)
    .action(runs(async () => (await import('./commands/dataset-register.ts')).datasetRegister))
  dataset
    .command('list')
    .description('list the datasets, newest version first')
    .action(runs(async () => (await import('./commands/dataset-list.ts')).datasetList))
  dataset
    .command('show')
    .description('show one dataset')
    .argument('<dataset>', 'name, or name:version')
    .action(runs(async () => (await import('./commands/dataset-show.ts')).datasetShow))
  dataset
    .command('preview')
    .description('print the first files, or the first rows, of a dataset or a path')
    .argument('<data>', 'name, name:version, or a path')
    .option('--head <n>', 'how many (default: 10)', readCount(1, limits.previewItems))
    .option('--datastore <name>', 'datastore that holds it; the path is then below the datastore')
    .option(...share)
    .option('--pattern <glob>', 'which files below the path, repeatable (default: all)', collect)
    .option('--table', 'each record is an item, not each file')
    .option(
      '--option <key=value>',
      'a field of an input in a job file, such as format or delimiter, repeatable',
      readSetting,
    )
    .action(runs(async () => (await import('./commands/dataset-preview.ts')).datasetPreview))
}
