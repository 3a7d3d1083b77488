import { z } from 'zod'
import { limits } from '../limits.ts'
import { flag, text } from './fields.ts'
import { jobFileSchema } from './job-file.ts'
import { experimentField, nameField, parametersField, scheduleField } from './run-fields.ts'

/**
 * What a person writes to describe several jobs that work on each other's output: `steps`, each with the
 * fields of a job file. The source of the checks, of the types and of `docs/schemas/pipeline.schema.json`.
 */

/** Fields of a job file that belong to the whole run. */
export const runFields = [
  '$schema',
  'experiment',
  'parameters',
  'schedule',
  'regenerate_outputs',
] as const

/** Name of a step's output unless it has one of its own. */
export const defaultOutputName = 'output'

const outputName = 'a name of letters, digits and _'
const stepList = 'a list of names of other steps'

export const stepSchema = jobFileSchema
  .omit({
    $schema: true,
    name: true,
    experiment: true,
    parameters: true,
    schedule: true,
    regenerate_outputs: true,
  })
  .extend({
    name: nameField('step').optional().describe('Name of the step, where steps are a list'),
    after: z
      .array(text(stepList, 32), stepList)
      .max(limits.pipelineSteps, stepList)
      .optional()
      .describe('Steps that must have ended before this one starts, besides those it reads from'),
    output_name: text(outputName, limits.memberNameLength)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, outputName)
      .optional()
      .describe(`Name of the step's output. Default: ${defaultOutputName}`),
  })

const steps = 'a map from names to steps, or a list of steps with names'

export const pipelineFileSchema = z
  .strictObject(
    {
      $schema: z.string('text').optional().describe('For editors; ignored'),
      name: nameField('pipeline'),
      description: jobFileSchema.shape.description,
      tags: jobFileSchema.shape.tags,
      experiment: experimentField(),
      parameters: parametersField(),
      inputs: jobFileSchema.shape.inputs
        .optional()
        .describe('Inputs that steps read as ${{inputs.NAME}}, and that a run may change'),
      continue_on_step_failure: flag()
        .optional()
        .describe('Whether steps that do not need a failed one still run. Default: false'),
      allow_reuse: jobFileSchema.shape.allow_reuse,
      regenerate_outputs: jobFileSchema.shape.regenerate_outputs,
      schedule: scheduleField(),
      steps: z
        .union(
          [
            z.record(text(steps, 32), stepSchema, steps),
            z.array(stepSchema, steps).max(limits.pipelineSteps, steps),
          ],
          steps,
        )
        .describe(
          'The steps: each has the fields of a job file; independent ones run side by side',
        ),
    },
    'a map of fields, such as name and steps',
  )
  .describe('A Muster pipeline file')

/** A pipeline file as written, once it is checked. */
export type PipelineFileFields = z.output<typeof pipelineFileSchema>
