import type { DataFolders } from '#agent/ports/data.ts'
import type { Transport } from '#agent/ports/transport.ts'
import { musterError, MusterFailure, thrownToText } from '#protocol/errors.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { Job } from '#protocol/model/job.ts'
import type { JobInput } from '#protocol/model/input.ts'
import { err, ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'
import { inputProtocol } from '#protocol/wire/input/protocol.ts'
import type { InputRequest, SameUserProof } from '#protocol/wire/input/protocol.ts'
import { wholeUnreachable } from './input-asking.ts'
import type { InPlace } from './in-place.ts'

/** Where inputs lie whose files the script opens by itself. */
export interface DirectInputsDeps {
  readonly transport: Transport
  readonly inPlace: Pick<InPlace, 'directRoot'>
  /** Whether the owner lets files be opened where they lie. */
  readonly mayReadInPlace: () => boolean
  readonly folders: Pick<DataFolders, 'check'>
}

/** Real folders of the inputs that the script opens by itself; an error says why this machine cannot. */
export const findDirect = async (
  deps: DirectInputsDeps,
  job: Job,
  signal: AbortSignal,
): Promise<Result<Readonly<Record<string, string>>, MusterError>> => {
  const isHere = job.dataPeer === deps.transport.self
  const found: (readonly [string, string])[] = []
  try {
    const proof = isHere ? undefined : await askProof(deps, job, signal)
    for (const [at, input] of job.spec.inputs.entries()) {
      if (input.mode !== 'direct') continue
      const root = !deps.mayReadInPlace()
        ? undefined
        : isHere
          ? input.root
          : await deps.inPlace.directRoot(job, at, proof)
      if (root === undefined) return err(outOfReach(input, deps.mayReadInPlace()))
      const folder = await deps.folders.check(root)
      if (!folder.ok) return folder
      found.push([input.name, folder.value])
    }
    return ok(Object.fromEntries(found))
  } catch (thrown) {
    if (thrown instanceof MusterFailure) return err(thrown.error)
    return err(wholeUnreachable(job, thrownToText(thrown)))
  }
}

/** What may prove that the data's peer is an agent of the same user on this machine. */
const askProof = async (
  { transport }: DirectInputsDeps,
  job: Job,
  signal: AbortSignal,
): Promise<SameUserProof | undefined> => {
  const request: InputRequest = { job: job.id, firstItem: 0, items: 1, want: 'paths' }
  let proof: SameUserProof | undefined
  for await (const answer of transport.request(job.dataPeer, inputProtocol, request, signal))
    proof ??= answer.sameUser
  return proof
}

const outOfReach = ({ name, share }: JobInput, isAllowed: boolean): MusterError => {
  const opens = `Its script opens the files of input "${name}" by itself`
  if (!isAllowed)
    return musterError(
      'InputMissing',
      `${opens}, but the owner of this machine lets no files be opened where they lie: \`muster settings set in-place on\` there changes that.`,
    )
  return musterError(
    'InputMissing',
    share === undefined
      ? `${opens}, but they lie on another machine and in no share.`
      : `${opens}, but the share "${share.name}" is not mapped on this machine, or they are not in it: \`muster settings set share.${share.name} FOLDER\` there maps it.`,
  )
}
