import { candidateDocument, type CandidateRecord, failedCandidateDocument, type FailureRecord } from './documents/candidates';
import { keyPrefixes, manifestKeys } from './keys';
import type { ArtifactStore } from '../storage/artifact-store';

/** The record that says how a candidate has ended. `failedIn`: the pass in which it failed; absent where it has a record that stands. */
export interface EndedCandidate {
  readonly key: string;
  readonly contextId: string;
  readonly candidate: number;
  readonly failedIn?: number;
}

/** How a candidate has ended. */
export type CandidateEnd = CandidateRecord | FailureRecord;

/**
 * The records that say how a scope's candidates have ended, by name (`<context>/c<candidate>`). A candidate that was scored or
 * rejected keeps its record whatever failed before; of failures the last pass counts.
 */
export async function endedCandidates(store: ArtifactStore, campaignId: string, scope: string): Promise<ReadonlyMap<string, EndedCandidate>> {
  const ended = new Map<string, EndedCandidate>();
  for (const key of await store.list(keyPrefixes.scope(campaignId, scope))) {
    const one = endedCandidate(key);
    if (one === null) continue;
    const name = `${one.contextId}/c${one.candidate}`;
    const known = ended.get(name);
    if (known === undefined || passOf(one) > passOf(known)) ended.set(name, one);
  }
  return ended;
}

function endedCandidate(key: string): EndedCandidate | null {
  const failed = manifestKeys.failedCandidate.parse(key);
  if (failed !== null) return { key, contextId: failed.contextId, candidate: failed.candidate, failedIn: failed.pass };
  const own = manifestKeys.candidate.parse(key);
  return own === null ? null : { key, contextId: own.contextId, candidate: own.candidate };
}

function passOf({ failedIn = Infinity }: EndedCandidate): number {
  return failedIn;
}

export async function readEnd(store: ArtifactStore, { key, failedIn }: EndedCandidate): Promise<CandidateEnd> {
  return (await (failedIn === undefined ? candidateDocument.read(store, key) : failedCandidateDocument.read(store, key))).summary;
}
