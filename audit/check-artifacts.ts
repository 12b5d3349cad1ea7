import type { ArtifactRef } from '../campaign/artifacts';
import { readAll } from '../record/bounded-reads';
import { HISTORY_MEDIA_TYPE } from '../record/documents/histories';
import type { CampaignRecord } from './campaign-record';
import type { Findings } from './findings';

/** Streams at once: each may be of a large file, and a hash keeps a core busy. */
const HASHED_AT_ONCE = 8;

/**
 * Hashes every artifact that a manifest names, histories apart: they are read once, by the check of histories.
 * @returns how many artifacts were hashed
 */
export async function checkArtifacts(record: CampaignRecord, findings: Findings): Promise<number> {
  const named = new Map<string, { readonly ref: ArtifactRef; readonly what: string }>();
  for (const { key, manifest } of record.manifests.values()) {
    for (const [name, ref] of Object.entries(manifest.files)) {
      if (ref.mediaType === HISTORY_MEDIA_TYPE) continue;
      const known = named.get(ref.sha256);
      if (known === undefined) named.set(ref.sha256, { ref, what: `${key}: ${name}` });
      else if (known.ref.sizeBytes !== ref.sizeBytes) findings.add('manifest-changed', `${key}: ${name}`, `${known.ref.sizeBytes} bytes, as ${known.what}`, `${ref.sizeBytes} bytes`);
    }
  }
  let absent = 0;
  const all = [...named.values()];
  const hashes = await readAll(all, ({ ref }) => record.store.hashOf(ref), HASHED_AT_ONCE);
  for (const [i, { ref, what }] of all.entries()) {
    const got = hashes[i] ?? null;
    if (got === null && !record.hasArtifacts) absent += 1;
    else if (got === null) findings.add('artifact-missing', what, `sha256 ${ref.sha256}`, `nothing in ${record.store.location}`);
    else if (got.sha256 !== ref.sha256) findings.add('artifact-changed', what, `sha256 ${ref.sha256}`, `sha256 ${got.sha256}`);
    else if (got.sizeBytes !== ref.sizeBytes) findings.add('manifest-changed', what, `${got.sizeBytes} bytes, as the artifact has`, `${ref.sizeBytes} bytes`);
  }
  if (absent > 0) findings.leftUnchecked(`${absent} artifacts, which are not in this export`);
  return named.size - absent;
}
