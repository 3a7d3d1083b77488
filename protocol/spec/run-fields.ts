import { z } from 'zod'
import { limits } from '../limits.ts'
import { decimal, flag, looseText, text } from './fields.ts'

/** Fields that a job file and a pipeline file share, since both are submitted as one run. */

export const namePattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const allowedName =
  'text of 3 to 32 characters: small letters, digits and hyphens, a letter first and no hyphen last'

/** Name of a job, a step or a pipeline. */
export const nameField = (of: 'job' | 'step' | 'pipeline'): z.ZodString =>
  text(allowedName, 32, 3)
    .regex(namePattern, allowedName)
    .describe(`Name of the ${of}: ${allowedName}`)

const experiment = 'text of 1 to 64 characters, without spaces at its ends'
export const experimentField = () =>
  text(experiment, limits.memberNameLength)
    .regex(/^\S(.*\S)?$/, experiment)
    .optional()
    .describe('Name under which runs are kept and compared. Default: the name')

const parameterName = 'a name of letters, digits, _ and - that begins with a letter'
const parameterValue = 'a text, a number, true or false'
const literal = z.union(
  [
    z.string(parameterValue).max(limits.argumentLength, parameterValue),
    z.number(parameterValue),
    z.boolean(parameterValue),
  ],
  parameterValue,
)
const allowedParameter = 'a default, or a map with default and description'

export const parametersField = () =>
  z
    .record(
      text(parameterName, limits.memberNameLength).regex(/^[A-Za-z][A-Za-z0-9_-]*$/, parameterName),
      z.union(
        [
          literal,
          z.null(allowedParameter),
          z.strictObject({
            default: literal.optional().describe('Its value unless a run gives another'),
            description: looseText('text of at most 1024 characters', 1_024)
              .optional()
              .describe('What it is for'),
          }),
        ],
        allowedParameter,
      ),
      'a map from names to defaults',
    )
    .optional()
    .describe(
      'Values that a run may change, used as ${{parameters.NAME}}; one without a default must be given',
    )

const cron = 'a cron expression of five or six fields, such as "0 6 * * 1-5"'
const folder = 'a path of 1 to 4096 characters'
const quiet = 'a number of seconds from 0 to 86400'
const overlap = () =>
  flag().optional().describe('Start a run even while the one before still runs. Default: false')

export const scheduleField = () =>
  z
    .union(
      [
        z.strictObject({
          cron: text(cron, 256).describe('When to run: minute, hour, day, month, weekday'),
          timezone: text('a time zone such as Europe/Vienna', 64)
            .optional()
            .describe("Time zone of the expression. Default: that of the submitter's machine"),
          overlap: overlap(),
        }),
        z.strictObject({
          watch: text(folder, limits.itemNameBytes).describe(
            'Folder to watch: a run starts when files in it came, went or changed',
          ),
          pattern: text("a glob such as '**/*.jpg'", limits.itemNameBytes)
            .optional()
            .describe('Which files of the folder count. Default: all of them'),
          quiet: decimal(quiet, { min: 0, max: 86_400 })
            .optional()
            .describe('Seconds without a further change before a run starts. Default: 10'),
          overlap: overlap(),
        }),
      ],
      'a map with cron, or with watch',
    )
    .optional()
    .describe("Run again and again, by the submitter's agent: at times, or when a folder changes")

export const allowReuseField = () =>
  flag()
    .optional()
    .describe(
      'Take over what an earlier run computed from the same script, model, settings and files. Default: true',
    )

export const regenerateField = () =>
  flag().optional().describe('Compute everything anew in this run. Default: false')
