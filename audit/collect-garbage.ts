import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readAll } from '../activities/stored/bounded-reads';
import type { ArtifactStore } from '../storage/artifact-store';
import { abandonedIn } from '../storage/partial-path';
import { ARTIFACTS, namedArtifacts } from './named-artifacts';

export interface CollectedGarbage {
  readonly dryRun: boolean;
  /** Artifacts that nothing names, and that are old enough. */
  readonly artifacts: number;
  readonly sizeBytes: number;
  /** Artifacts that nothing names yet: they may be on their way into a manifest. */
  readonly young: number;
  /** Uploads in parts that were begun before the grace period and never came to an end. */
  readonly uploads: number;
}

export interface Garbage {
  readonly store: ArtifactStore;
  /** Hashes that campaigns which run hold without a manifest. */
  readonly held: readonly string[];
  /** Artifacts that were written later than this are left alone. At least IN_FLIGHT_MS. */
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly now: Date;
}

/** Removes artifacts that no manifest names and that are old enough to be in nobody's hands. */
export async function collectGarbage({ store, held, graceMs, dryRun, now }: Garbage): Promise<CollectedGarbage> {
  // What is put from now on is not in this list, or is written anew and seen to be young.
  const artifacts = await store.listObjects(ARTIFACTS);
  const named = await namedArtifacts(store, () => true);
  for (const sha256 of held) named.add(sha256);
  const unnamed = artifacts.filter(({ key }) => !named.has(key.slice(ARTIFACTS.length)));
  const cutoff = now.getTime() - graceMs;
  let removed = 0;
  let sizeBytes = 0;
  await readAll(unnamed.filter(({ modifiedMs }) => modifiedMs < cutoff), async (listed) => {
    const found = await store.findObject(listed.key);
    if (found === null || found.modifiedMs >= cutoff) return;
    if (!dryRun) await store.remove(listed.key);
    removed += 1;
    sizeBytes += found.sizeBytes;
  });
  const uploads = await store.removeUnfinished(cutoff, dryRun);
  return { dryRun, artifacts: removed, sizeBytes, young: unnamed.length - removed, uploads };
}

/** Removes what killed processes left half made in a machine's cache. @returns their paths */
export async function collectAbandoned(cacheDirectory: string, dryRun: boolean): Promise<string[]> {
  const folders = ['.', 'adapters', 'policies', 'bundles', 'work'].map((folder) => join(cacheDirectory, folder));
  const abandoned = (await Promise.all(folders.map(abandonedIn))).flat();
  if (!dryRun) await Promise.all(abandoned.map((path) => rm(path, { recursive: true, force: true })));
  return abandoned;
}
