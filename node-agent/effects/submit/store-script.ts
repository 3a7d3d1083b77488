import type { Blobs } from '#agent/ports/blobs.ts'
import type { Bundler } from '#agent/ports/bundler.ts'
import type { JobFile } from '#agent/ports/job-file.ts'
import type { MusterError } from '#protocol/errors.ts'
import type { ScriptReference } from '#protocol/model/job.ts'
import type { ModelFile } from '#protocol/model/model.ts'
import { ok } from '#protocol/model/result.ts'
import type { Result } from '#protocol/model/result.ts'

/** Bundles an entry script and keeps what it and the files beside it are, as blobs. */
export const storeScript = async (
  { bundler, blobs }: { readonly bundler: Bundler; readonly blobs: Blobs },
  script: NonNullable<JobFile['script']>,
  signal: AbortSignal,
): Promise<Result<ScriptReference, MusterError>> => {
  const bundled = await bundler.bundle(script, signal)
  if (!bundled.ok) return bundled
  const files: ModelFile[] = []
  for (const { path, content } of bundled.value.files) {
    if (content instanceof Uint8Array) {
      const blob = await blobs.put(content)
      if (!blob.ok) return blob
      files.push({ path, blob: blob.value, bytes: content.length })
    } else {
      const stored = await blobs.putFile(content.file, { signal })
      if (!stored.ok) return stored
      files.push({ path, ...stored.value })
    }
  }
  return ok({ entry: bundled.value.entry, files })
}
