// Writes the generated parts of docs/cli.md and docs/api.md, between their markers, from the program and the schemas:
//
//   node tools/pinned-node.mjs tools/cli-docs.ts           writes
//   node tools/pinned-node.mjs tools/cli-docs.ts --check   fails if one of them is not up to date
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Command, Option } from 'commander'
import { z } from 'zod'
import { exitCodeMeanings } from '#agent/cli/exit-codes.ts'
import { nameKinds } from '#agent/cli/completion/places.ts'
import { createProgram } from '#agent/cli/program.ts'
import { api } from '#protocol/control/api.ts'
import { jobLogsView, jobLogView, processedMiniBatchView } from '#protocol/control/log-api.ts'
import { comparisonView, pipelineView, retryView } from '#protocol/control/pipeline-views.ts'
import {
  datasetView,
  datastoreView,
  previewView,
  checkedView,
  triedView,
} from '#protocol/control/registry-views.ts'
import { forgottenJobView, poolView } from '#protocol/control/sharing-api.ts'
import {
  clusterCreatedView,
  clusterView,
  errorView,
  invitationView,
  joinedView,
  machineView,
  modelView,
} from '#protocol/control/views.ts'
import { doctorView, settingView, storeReportView } from '#protocol/control/care-views.ts'
import {
  explainView,
  jobDetailView,
  jobView,
  rowPageView,
  rowView,
} from '#protocol/control/job-views.ts'
import { apiDocsPath, freshApiDocs } from './api-docs.ts'
import { cliExamples } from './cli-examples.ts'
import { withParts } from './doc-parts.ts'

export const cliDocsPath = fileURLToPath(new URL('../docs/cli.md', import.meta.url))

/** Named schemas of all `--json` output; an answer refers to the views in it by these names. */
const answerSchemas: Readonly<Record<string, z.ZodType>> = {
  AgentReady: z.object({
    event: z.literal('ready'),
    webAddress: z.string().describe('http://127.0.0.1:PORT of the control API'),
    home: z.string(),
    peer: z.string().describe('PeerId of this agent'),
    pid: z.int().min(1),
  }),
  Cluster: clusterView,
  ClusterCreated: clusterCreatedView,
  Done: api.stop.answer,
  Comparison: comparisonView,
  Names: z.object({ kind: z.enum(nameKinds), names: z.array(z.string()) }),
  Completion: z.object({ shell: z.string(), script: z.string() }),
  Dataset: datasetView,
  Datasets: api.datasets.answer,
  Datastore: datastoreView,
  Datastores: api.datastores.answer,
  Doctor: doctorView,
  Error: errorView,
  Experiments: api.experiments.answer,
  ErrorLine: z.object({ error: errorView }),
  Explain: explainView,
  Invitation: invitationView,
  Job: jobView,
  JobDetail: jobDetailView,
  Jobs: api.jobs.answer,
  Joined: joinedView,
  JobLog: jobLogView,
  JobLogs: jobLogsView,
  Machine: machineView,
  Members: api.members.answer,
  Model: modelView,
  Models: api.models.answer,
  Peers: api.peers.answer,
  Pipeline: pipelineView,
  Pipelines: api.pipelines.answer,
  Preview: previewView,
  ProcessedMiniBatch: processedMiniBatchView,
  Retry: retryView,
  Pool: poolView,
  ForgottenJob: forgottenJobView,
  Pools: api.pools.answer,
  Row: rowView,
  RowPage: rowPageView,
  Schedules: api.schedules.answer,
  Schedule: api.pauseSchedule.answer,
  Setting: settingView,
  Settings: api.settings.answer,
  Skeleton: z.object({
    file: z.string(),
    output: z.string().describe('The script that was written'),
    command: z.string().describe('Turns the model into ONNX; empty if it is already'),
    hint: z.string().describe('What the command needs to be told; empty if nothing'),
  }),
  StoreReport: storeReportView,
  SignInCode: api.signInCode.answer,
  Checked: checkedView,
  Tried: triedView,
}

/** The file's text with its generated parts made anew. Throws if an example does not fit its schema. */
export const freshCliDocs = (text: string): string =>
  withParts('docs/cli.md', text, {
    commands: commandPart(),
    'exit-codes': exitCodePart(),
    schemas: schemaPart(),
  })

/** The text of docs/api.md with its generated parts made anew. */
export const withAnswers = (text: string): string => freshApiDocs(text, answerSchemas)

const commandPart = (): string => {
  const program = createProgram('', () => async () => {})
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands,
  )
  const documented = new Set(cliExamples.map(({ command }) => command))
  for (const leaf of leaves) {
    if (!documented.has(nameOf(leaf))) throw new Error(`no example of ${nameOf(leaf)}`)
  }
  const global = optionTable(program.options)
  return [`Options of every command:\n\n${global}`, ...leaves.map(describeCommand)].join('\n\n')
}

/** `job submit`: without the program's own name. */
const nameOf = (command: Command): string => {
  const { parent } = command
  return parent === null || parent.parent === null
    ? command.name()
    : `${nameOf(parent)} ${command.name()}`
}

const describeCommand = (command: Command): string => {
  const name = nameOf(command)
  const example = cliExamples.find((each) => each.command === name)
  if (example === undefined) throw new Error(`no example of ${name}`)
  const schema = answerSchemas[example.schema]
  if (schema === undefined) throw new Error(`no schema ${example.schema}`)
  const answer = schema.parse(example.answer)
  if (!isDeepStrictEqual(answer, example.answer))
    throw new Error(`the example of ${name} has extra fields`)
  const values = command.registeredArguments.map(
    (argument) =>
      `- \`${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}\`: ${argument.description}`,
  )
  return [
    `### \`muster ${name}\``,
    sentence(command.description()),
    [...values].join('\n'),
    command.options.length === 0 ? '' : optionTable(command.options),
    `\`\`\`console\n$ ${example.line} --json\n${JSON.stringify(answer)}\n\`\`\``,
    `Answer: [${example.schema}](#${example.schema.toLowerCase()})`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

const optionTable = (options: readonly Option[]): string =>
  [
    '| Option | Meaning |',
    '| --- | --- |',
    ...options.map(
      (option) => `| \`${option.flags.replaceAll('|', '\\|')}\` | ${optionText(option)} |`,
    ),
  ].join('\n')

const optionText = ({ description, argChoices, defaultValue, negate }: Option): string => {
  const choices =
    argChoices === undefined ? '' : ` (${argChoices.map((each) => `\`${each}\``).join(', ')})`
  const shown =
    defaultValue === undefined || negate ? '' : ` (default: \`${String(defaultValue)}\`)`
  return description.replaceAll('|', '\\|') + choices + shown
}

const exitCodePart = (): string =>
  [
    '| Code | Meaning |',
    '| --- | --- |',
    ...exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`),
  ].join('\n')

/** Each schema once; views inside others are references to their headings. */
const schemaPart = (): string => {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(answerSchemas)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#${id.toLowerCase()}`,
    unrepresentable: 'any',
  })
  return Object.entries(schemas)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(
      ([id, schema]) =>
        `### ${id}\n\n\`\`\`json\n${JSON.stringify(withoutNames(schema), undefined, 2)}\n\`\`\``,
    )
    .join('\n\n')
}

/** The heading names the schema already. */
const withoutNames = (schema: object): object =>
  Object.fromEntries(
    Object.entries(schema).filter(([name]) => !['$schema', '$id', 'id'].includes(name)),
  )

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const documents = [
    [cliDocsPath, freshCliDocs],
    [apiDocsPath, withAnswers],
  ] as const
  for (const [path, make] of documents) {
    const text = await readFile(path, 'utf8')
    const fresh = make(text)
    if (!process.argv.includes('--check')) {
      await writeFile(path, fresh)
      console.log(`wrote ${path}`)
    } else if (fresh !== text) {
      console.error(
        `${path} is not up to date; run \`node tools/pinned-node.mjs tools/cli-docs.ts\`.`,
      )
      process.exitCode = 1
    }
  }
}
