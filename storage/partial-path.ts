import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './living-process';

/** Of another machine's processes nothing is known but the age of what they write. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** Where a file or directory is made before it is moved to `path`: the name says which process makes it, and no two are the same. */
export function partialPath(path: string): string {
  return `${path}.${process.pid}@${hostname()}.${randomUUID()}.partial`;
}

/**
 * Removes what processes that are gone left half made, directly under `directory`.
 * Called before the caller makes anything there itself: in a container a process may have the id of the one that was killed.
 */
export async function sweepAbandoned(directory: string): Promise<void> {
  for (const path of await abandonedIn(directory)) await rm(path, { recursive: true, force: true });
}

/** Paths of what processes that are gone left half made, directly under `directory`. */
export async function abandonedIn(directory: string): Promise<string[]> {
  const abandoned: string[] = [];
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    if (name.endsWith('.partial') && (await isAbandoned(path))) abandoned.push(path);
  }
  return abandoned;
}

async function isAbandoned(path: string): Promise<boolean> {
  const [, pid, host] = /\.(\d+)@(.+)\.[0-9a-f-]{36}\.partial$/.exec(path) ?? [];
  // A process that took over the id of a dead one keeps what that left until it ends too.
  if (host === hostname()) return Number(pid) === process.pid || !isAlive(Number(pid));
  const entry = await stat(path).catch(() => null);
  return entry !== null && entry.mtimeMs < Date.now() - ABANDONED_AFTER_MS;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}
