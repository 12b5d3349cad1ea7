import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskFullError } from '../campaign/errors';

const GIB = 2 ** 30;
/** From here on a warning is given. */
const WARNED_AT = 0.9;
/** A file system with less than this free is full, whatever the quota. */
const LEAST_FREE_BYTES = GIB / 4;

export interface DiskUse {
  readonly directory: string;
  /** Null where no quota is set: nobody counts. */
  readonly usedBytes: number | null;
  /** Of the file system. */
  readonly freeBytes: number;
  /** Null where no quota is set. */
  readonly quotaBytes: number | null;
  readonly state: 'ok' | 'warning' | 'full';
}

/** The room on a directory's disk and, only where there is a quota, what the directory takes: to count that takes a walk through it. */
export async function diskUse(directory: string, quotaBytes: number | null): Promise<DiskUse> {
  const { bavail, bsize } = await statfs(directory);
  const usedBytes = quotaBytes === null ? null : await sizeOf(directory);
  const freeBytes = bavail * bsize;
  const share = quotaBytes === null || usedBytes === null ? 0 : usedBytes / quotaBytes;
  const isFull = share >= 1 || freeBytes < LEAST_FREE_BYTES;
  const isNear = share >= WARNED_AT || freeBytes < 2 * LEAST_FREE_BYTES;
  return { directory, usedBytes, freeBytes, quotaBytes, state: isFull ? 'full' : isNear ? 'warning' : 'ok' };
}

/** One line: what is used, of how much, and what helps. Null where there is nothing to say. */
export function diskWarning(use: DiskUse): string | null {
  if (use.state === 'ok') return null;
  const { directory, usedBytes, freeBytes, quotaBytes, state } = use;
  const taken = quotaBytes === null || usedBytes === null ? '' : `it takes ${gib(usedBytes)} GiB of ${gib(quotaBytes)} GiB (SEAL_DISK_QUOTA_GB), and `;
  const what = state === 'full' ? 'full: no campaign is started, and what runs waits for room' : 'nearly full';
  return `${directory} is ${what}; ${taken}its disk has ${gib(freeBytes)} GiB free. "seal delete" and "seal gc" make room`;
}

/** What a guard does beside refusing. */
interface DiskGuardOptions {
  /** Told once when the disk becomes nearly full, and once when it is full. */
  readonly warn: (line: string) => void;
  /** Asked where the disk is full, before it is said to be. @default nothing can be done */
  readonly makeRoom?: () => Promise<unknown>;
  /** @default 15_000 */
  readonly everyMs?: number;
}

/** Refuses work on a full disk; looks at most once in `everyMs`, since looking takes a moment. */
export class DiskGuard {
  readonly #directory: string;
  readonly #quotaBytes: number | null;
  readonly #options: Required<DiskGuardOptions>;
  #use: Promise<DiskUse> | null = null;
  #staleMs = 0;
  #said: DiskUse['state'] = 'ok';

  constructor(directory: string, quotaBytes: number | null, { makeRoom = () => Promise.resolve(), everyMs = 15_000, warn }: DiskGuardOptions) {
    this.#directory = directory;
    this.#quotaBytes = quotaBytes;
    this.#options = { makeRoom, everyMs, warn };
  }

  /** @throws DiskFullError, which is waited for without limit */
  async refuseFull(): Promise<void> {
    const use = await this.#look();
    const line = diskWarning(use);
    if (line !== null && this.#said !== use.state) this.#options.warn(line);
    this.#said = use.state;
    if (use.state === 'full' && line !== null) throw new DiskFullError(line);
  }

  /** Shared by all who ask meanwhile, and kept for a while; what failed is not kept. */
  #look(): Promise<DiskUse> {
    if (this.#use !== null && performance.now() < this.#staleMs) return this.#use;
    this.#staleMs = Number.POSITIVE_INFINITY;
    this.#use = this.#useOfDisk();
    this.#use.then(
      () => (this.#staleMs = performance.now() + this.#options.everyMs),
      () => (this.#use = null),
    );
    return this.#use;
  }

  async #useOfDisk(): Promise<DiskUse> {
    const use = await diskUse(this.#directory, this.#quotaBytes);
    if (use.state !== 'full') return use;
    await this.#options.makeRoom();
    return diskUse(this.#directory, this.#quotaBytes);
  }
}

/** Bytes of the files below a directory. What vanishes meanwhile takes none: caches and scratch directories come and go. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of (await readdir(directory, { withFileTypes: true }).catch(gone)) ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await sizeOf(path);
    else if (entry.isFile()) bytes += (await stat(path).catch(gone))?.size ?? 0;
  }
  return bytes;
}

function gone(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
