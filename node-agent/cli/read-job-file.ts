import { readFile, stat } from 'node:fs/promises'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import { limits } from '#protocol/limits.ts'

/** The text of a job file. @throws MusterFailure `JobFileMissing`, `JobFileInvalid` */
export const readJobFile = async (path: string): Promise<string> => {
  try {
    const { size } = await stat(path)
    if (size <= limits.jobFileBytes) return await readFile(path, 'utf8')
  } catch (thrown) {
    throw new MusterFailure(
      musterError(
        'JobFileMissing',
        `The job file ${path} cannot be read; check the path and its rights.`,
        {
          detail: thrownToText(thrown),
        },
      ),
    )
  }
  throw new MusterFailure(
    musterError(
      'JobFileInvalid',
      `The file ${path} is larger than ${limits.jobFileBytes} bytes, so it is no job file; choose another.`,
    ),
  )
}
