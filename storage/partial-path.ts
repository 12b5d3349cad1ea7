import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './living-process';

/** Of another machine's processes nothing is known but the age of what they write. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** To evict takes milliseconds: what is older belongs to a process that died at it, and whose id another may have. */
export const EVICTION_MS = 60_000;

/** Why a file or directory has the name of its process: it is half made, or says that the process reads or evicts what it stands beside. */
export type Mark = 'partial' | 'lease' | 'eviction';

const OWNED = /\.(\d+)@(.+)\.[0-9a-f-]{36}\.(partial|lease|eviction)$/;

/** A path beside `path` whose name says which process it belongs to; no two are the same. */
export function markedPath(path: string, mark: Mark): string {
  return `${path}.${process.pid}@${hostname()}.${randomUUID()}.${mark}`;
}

/** Where a file or directory is made before it is moved to `path`. */
export function partialPath(path: string): string {
  return markedPath(path, 'partial');
}

/** Whether a process that runs, this one included, reads `path` (lease) or is about to move it away (eviction). */
export async function isMarked(path: string, mark: 'lease' | 'eviction'): Promise<boolean> {
  const [folder, prefix] = [dirname(path), `${basename(path)}.`];
  for (const name of await namesIn(folder)) {
    const [, pid, host, found] = OWNED.exec(name) ?? [];
    if (found !== mark || !name.startsWith(prefix)) continue;
    const isLocal = host === hostname();
    if (isLocal && !isAlive(Number(pid))) continue;
    if (isLocal && mark === 'lease') return true;
    if (await isYoungerThan(join(folder, name), mark === 'lease' ? ABANDONED_AFTER_MS : EVICTION_MS)) return true;
  }
  return false;
}

/**
 * Removes what processes that are gone left half made or marked, directly under `directory`.
 * Called before the caller makes anything there itself: in a container a process may have the id of the one that was killed.
 */
export async function sweepAbandoned(directory: string): Promise<void> {
  for (const path of await abandonedIn(directory)) await rm(path, { recursive: true, force: true });
}

/** Paths of what processes that are gone left half made or marked, directly under `directory`. */
export async function abandonedIn(directory: string): Promise<string[]> {
  const abandoned: string[] = [];
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    if (/\.(partial|lease|eviction)$/.test(name) && (await isAbandoned(path))) abandoned.push(path);
  }
  return abandoned;
}

async function isAbandoned(path: string): Promise<boolean> {
  const [, pid, host] = OWNED.exec(path) ?? [];
  // A process that took over the id of a dead one keeps what that left until it ends too.
  if (host === hostname()) return Number(pid) === process.pid || !isAlive(Number(pid));
  return (await stat(path).catch(() => null)) !== null && !(await isYoungerThan(path, ABANDONED_AFTER_MS));
}

async function isYoungerThan(path: string, ageMs: number): Promise<boolean> {
  const entry = await stat(path).catch(() => null);
  return entry !== null && entry.mtimeMs > Date.now() - ageMs;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
