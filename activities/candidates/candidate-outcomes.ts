import { manifestKeys } from '../../contracts/campaign';
import type { ArtifactStore } from '../../storage/artifact-store';
import type { FailureRecord } from '../record-failures';
import type { CandidateRecord } from './candidate-record';

/** How a candidate has ended. */
export type CandidateEnd = CandidateRecord | FailureRecord;

/**
 * Keys of the records that say how a scope's candidates have ended, by name (`<context>/c<candidate>`). A candidate that was scored or
 * rejected keeps its record whatever failed before; of failures the last pass counts.
 */
export async function endedCandidates(store: ArtifactStore, campaignId: string, scope: string): Promise<ReadonlyMap<string, string>> {
  const ended = new Map<string, { readonly key: string; readonly pass: number }>();
  for (const key of await store.list(manifestKeys.candidates(campaignId, scope))) {
    const one = manifestKeys.parseEnd(key);
    if (one !== null && one.pass > (ended.get(one.name)?.pass ?? -1)) ended.set(one.name, { key, pass: one.pass });
  }
  return new Map([...ended].map(([name, { key }]) => [name, key]));
}

export async function readEnd(store: ArtifactStore, key: string): Promise<CandidateEnd> {
  return (await store.readManifest(key)).summary as unknown as CandidateEnd;
}
