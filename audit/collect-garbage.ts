import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readAll } from '../activities/report/bounded-reads';
import type { ArtifactStore } from '../storage/artifact-store';
import { ARTIFACTS, namedArtifacts } from './named-artifacts';

export interface CollectedGarbage {
  readonly dryRun: boolean;
  /** Artifacts that nothing names, and that are old enough. */
  readonly artifacts: number;
  readonly sizeBytes: number;
  /** Artifacts that nothing names yet: they may be on their way into a manifest. */
  readonly young: number;
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
  return { dryRun, artifacts: removed, sizeBytes, young: unnamed.length - removed };
}

/** Files and folders of killed processes are gone from a cache that nobody has written to for this long. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * Removes what killed processes left in a machine's cache: `*.partial` and work directories without a file that was written lately.
 * @returns their paths
 */
export async function collectAbandoned(cacheDirectory: string, dryRun: boolean, now: Date): Promise<string[]> {
  const oldest = now.getTime() - ABANDONED_AFTER_MS;
  const candidates = [
    ...(await partials(cacheDirectory)),
    ...(await namesIn(join(cacheDirectory, 'work'))).map((name) => join(cacheDirectory, 'work', name)),
  ];
  const abandoned: string[] = [];
  for (const path of candidates) {
    if ((await lastWrittenMs(path)) >= oldest) continue;
    if (!dryRun) await rm(path, { recursive: true, force: true });
    abandoned.push(path);
  }
  return abandoned;
}

async function partials(cacheDirectory: string): Promise<string[]> {
  const folders = ['.', 'adapters', 'policies', 'bundles'];
  const lists = await Promise.all(folders.map(async (folder) => (await namesIn(join(cacheDirectory, folder))).map((name) => join(cacheDirectory, folder, name))));
  return lists.flat().filter((path) => path.endsWith('.partial'));
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return [];
  });
}

/** Of a directory, when anything in it was last written. */
async function lastWrittenMs(path: string): Promise<number> {
  const entry = await stat(path).catch(() => null);
  // Gone meanwhile: it was in use.
  if (entry === null) return Number.POSITIVE_INFINITY;
  if (!entry.isDirectory()) return entry.mtimeMs;
  const inner = await Promise.all((await namesIn(path)).map((name) => lastWrittenMs(join(path, name))));
  return Math.max(entry.mtimeMs, ...inner.filter(Number.isFinite));
}
