import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { BadInputError, DiskFullError } from '../contracts/errors';

const GIB = 2 ** 30;
/** From here on a warning is given. */
const WARNED_AT = 0.9;
/** A file system with less than this free is full, whatever the quota. */
const LEAST_FREE_BYTES = GIB / 4;

export interface DiskUse {
  readonly directory: string;
  readonly usedBytes: number;
  /** Of the file system. */
  readonly freeBytes: number;
  /** Null where no quota is set. */
  readonly quotaBytes: number | null;
  readonly state: 'ok' | 'warning' | 'full';
}

/** Bytes of `SEAL_DISK_QUOTA_GB` (GiB; fractions allowed), or null where it is not set. @throws BadInputError */
export function diskQuotaBytes(env: NodeJS.ProcessEnv): number | null {
  const text = env['SEAL_DISK_QUOTA_GB'];
  if (text === undefined || text === '') return null;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0)) throw new BadInputError({ where: 'SEAL_DISK_QUOTA_GB', expected: 'a number of GiB above 0', got: JSON.stringify(text) });
  return value * GIB;
}

/** What a directory takes, against its quota and the room on its disk. */
export async function diskUse(directory: string, quotaBytes: number | null): Promise<DiskUse> {
  const [usedBytes, { bavail, bsize }] = await Promise.all([sizeOf(directory), statfs(directory)]);
  const freeBytes = bavail * bsize;
  const share = quotaBytes === null ? 0 : usedBytes / quotaBytes;
  const isFull = share >= 1 || freeBytes < LEAST_FREE_BYTES;
  const isNear = share >= WARNED_AT || freeBytes < 2 * LEAST_FREE_BYTES;
  return { directory, usedBytes, freeBytes, quotaBytes, state: isFull ? 'full' : isNear ? 'warning' : 'ok' };
}

/** One line: what is used, of how much, and what helps. Null where there is nothing to say. */
export function diskWarning(use: DiskUse): string | null {
  if (use.state === 'ok') return null;
  const { directory, usedBytes, freeBytes, quotaBytes, state } = use;
  const of = quotaBytes === null ? '' : ` of ${gib(quotaBytes)} GiB (SEAL_DISK_QUOTA_GB)`;
  const what = state === 'full' ? 'full: no campaign is started, and what runs waits for room' : 'nearly full';
  return `${directory} is ${what}; it takes ${gib(usedBytes)} GiB${of}, and its disk has ${gib(freeBytes)} GiB free. "seal delete" and "seal gc" make room`;
}

/** Refuses work on a full disk; looks at most once in `everyMs`, since looking takes a moment. */
export class DiskGuard {
  readonly #directory: string;
  readonly #quotaBytes: number | null;
  readonly #warn: (line: string) => void;
  readonly #everyMs: number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #use: Promise<DiskUse> | null = null;
  #said: DiskUse['state'] = 'ok';

  /** @param warn told once when the disk becomes nearly full, and once when it is full */
  constructor(directory: string, quotaBytes: number | null, warn: (line: string) => void, everyMs = 15_000) {
    this.#directory = directory;
    this.#quotaBytes = quotaBytes;
    this.#warn = warn;
    this.#everyMs = everyMs;
  }

  /** @throws DiskFullError, which is waited for without limit */
  async refuseFull(): Promise<void> {
    if (this.#use === null || performance.now() - this.#lookedMs > this.#everyMs) {
      this.#lookedMs = performance.now();
      this.#use = diskUse(this.#directory, this.#quotaBytes);
    }
    const use = await this.#use;
    const line = diskWarning(use);
    if (line !== null && this.#said !== use.state) this.#warn(line);
    this.#said = use.state;
    if (use.state === 'full' && line !== null) throw new DiskFullError(line);
  }
}

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    // Gone since it was listed.
    bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0;
  }
  return bytes;
}

function gib(bytes: number): string {
  return (bytes / GIB).toFixed(2);
}
