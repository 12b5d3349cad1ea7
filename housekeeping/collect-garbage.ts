import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../storage/artifact-store';
import { abandonedIn } from '../storage/partial-path';
import { ARTIFACTS, NamedArtifacts, type Removed, removeUnnamed } from './named-artifacts';

export interface CollectedGarbage extends Removed {
  readonly dryRun: boolean;
  /** Uploads in parts that were begun before the grace period and never came to an end. */
  readonly uploads: number;
}

export interface Garbage {
  readonly store: ArtifactStore;
  /** Hashes that campaigns which run hold without a manifest; asked again just before anything is removed. */
  readonly held: () => Promise<readonly string[]>;
  /** Artifacts that were written later than this are left alone. At least IN_FLIGHT_MS. */
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly now: Date;
}

/** Removes artifacts that no manifest names and that are old enough to be in nobody's hands. */
export async function collectGarbage({ store, held, graceMs, dryRun, now }: Garbage): Promise<CollectedGarbage> {
  const cutoffMs = now.getTime() - graceMs;
  // What is put from now on is not in this list, or is written anew and seen to be young.
  const artifacts = (await store.list(ARTIFACTS)).map((key) => key.slice(ARTIFACTS.length));
  const named = new NamedArtifacts(store, () => true, held);
  const wanted = await named.look();
  const removed = await removeUnnamed(artifacts.filter((sha256) => !wanted.has(sha256)), { store, named, cutoffMs, dryRun });
  return { dryRun, ...removed, uploads: await store.removeUnfinished(cutoffMs, dryRun) };
}

/** Removes what killed processes left half made in a machine's cache. @returns their paths */
export async function collectAbandoned(cacheDirectory: string, dryRun: boolean): Promise<string[]> {
  const folders = ['.', 'adapters', 'policies', 'bundles', 'work'].map((folder) => join(cacheDirectory, folder));
  const abandoned = (await Promise.all(folders.map(abandonedIn))).flat();
  if (!dryRun) await Promise.all(abandoned.map((path) => rm(path, { recursive: true, force: true })));
  return abandoned;
}
