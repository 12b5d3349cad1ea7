import { mkdir, readdir, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EVICTION_MS, isMarked, markedPath, partialPath } from './partial-path';

/** A directory that nobody removes until it is released. */
export interface Lease<Opened> extends AsyncDisposable {
  readonly directory: string;
  readonly opened: Opened;
}

export interface CachedDirectory<Opened> {
  /** Bytes that it takes, about, where it has to be made. */
  readonly bytes: number;
  /** The entry whose place it takes where it has to be made: the first to leave, unless that is used again. @default none */
  readonly supersedes?: string;
  /** Finds it whole at this path, or makes it there; it appears whole or not at all. */
  readonly open: (directory: string) => Promise<Opened>;
}

export interface Evicted {
  readonly entries: number;
  readonly bytes: number;
}

/** Folders of a cache; their entries are `adapters/<name>` and `policies/<name>`. */
const FOLDERS = ['adapters', 'policies'] as const;
const POLL_MS = 10;
/** A lease is shown to be held more often than it would count as left behind. */
const RENEWAL_MS = 3600 * 1000;

/**
 * Directories on this machine's disk that can be made again, in all at most so many bytes: before another is made, those leave that were
 * used longest ago, a superseded one first, never one that is leased.
 *
 * Processes may share it. Who reads marks the entry with a file (lease) and then looks whether somebody is about to evict it; who evicts
 * marks it (eviction) and then looks whether somebody reads it, so one of them sees the other: the reader waits, the other gives up. An
 * entry leaves by being renamed, so that it is there whole or not at all. Marks of dead processes count for nothing, and
 * `sweepAbandoned` removes them.
 */
export class DirectoryCache {
  readonly root: string;
  readonly #maxBytes: number | null;
  /** Entries never change once they are there. */
  readonly #sizes = new Map<string, number>();
  /** Of entries that this process is making. */
  #expectedBytes = 0;

  /** @param maxBytes null: half of what the disk would have free without it */
  constructor(root: string, maxBytes: number | null = null) {
    this.root = root;
    this.#maxBytes = maxBytes;
  }

  /**
   * An entry, made where it is not there, that stays until the lease is disposed of.
   * @param name `<folder>/<name>`
   * @throws as `open`
   */
  async lease<Opened>(name: string, wanted: CachedDirectory<Opened>): Promise<Lease<Opened>> {
    const directory = join(this.root, name);
    const release = await mark(directory, 'lease');
    try {
      while (await isMarked(directory, 'eviction')) await sleep(POLL_MS);
      const opened = (await setUsed(directory, new Date())) ? await wanted.open(directory) : await this.#make(directory, wanted);
      return { directory, opened, [Symbol.asyncDispose]: release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Whether there is an entry of this name now; it may leave at once unless it is leased. */
  async has(name: string): Promise<boolean> {
    return (await stat(join(this.root, name)).catch(absent)) !== null;
  }

  /** Takes over a whole directory as an entry, where there is none of this name. It must be on the same disk. */
  async adopt(name: string, directory: string): Promise<void> {
    const target = join(this.root, name);
    await mkdir(dirname(target), { recursive: true });
    await this.#makeRoom(await sizeOf(directory));
    try {
      await rename(directory, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Removes an entry that nobody reads. @returns whether it is gone */
  async evict(name: string): Promise<boolean> {
    const directory = join(this.root, name);
    const aside = partialPath(directory);
    const markedMs = Date.now();
    const release = await mark(directory, 'eviction');
    try {
      // Past its time the mark would keep nobody from reading.
      if ((await isMarked(directory, 'lease')) || Date.now() - markedMs > EVICTION_MS / 2) return false;
      await rename(directory, aside).catch(absent);
    } finally {
      await release();
    }
    await rm(aside, { recursive: true, force: true });
    this.#sizes.delete(name);
    return true;
  }

  /** Removes every entry that nobody reads. @param dryRun remove nothing, say what would be */
  async evictUnread(dryRun = false): Promise<Evicted> {
    let [entries, bytes] = [0, 0];
    for (const entry of await this.#entries()) {
      const isGone = dryRun ? !(await isMarked(join(this.root, entry.name), 'lease')) : await this.evict(entry.name);
      if (!isGone) continue;
      entries += 1;
      bytes += entry.bytes;
    }
    return { entries, bytes };
  }

  async #make<Opened>(directory: string, { bytes, supersedes, open }: CachedDirectory<Opened>): Promise<Opened> {
    if (supersedes !== undefined) await setUsed(join(this.root, supersedes), new Date(0));
    await this.#makeRoom(bytes);
    this.#expectedBytes += bytes;
    try {
      return await open(directory);
    } finally {
      // It may have been read to make the entry.
      if (supersedes !== undefined) await setUsed(join(this.root, supersedes), new Date(0));
      this.#expectedBytes -= bytes;
    }
  }

  /** What is leased may keep the cache above its bound: work that runs needs it. */
  async #makeRoom(bytes: number): Promise<void> {
    const entries = await this.#entries();
    let used = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const most = this.#maxBytes ?? (await this.#halfOfDisk(used));
    for (const entry of entries) {
      if (used + this.#expectedBytes + bytes <= most) return;
      if (await this.evict(entry.name)) used -= entry.bytes;
    }
  }

  async #halfOfDisk(usedBytes: number): Promise<number> {
    const { bavail, bsize } = await statfs(this.root);
    return (bavail * bsize + usedBytes) / 2;
  }

  /** Those used longest ago first. */
  async #entries(): Promise<{ readonly name: string; readonly bytes: number; readonly usedMs: number }[]> {
    const entries = [];
    for (const folder of FOLDERS) {
      // Marks and what is being made have a point in their names.
      for (const name of ((await readdir(join(this.root, folder)).catch(absent)) ?? []).filter((found) => !found.includes('.'))) {
        const directory = join(this.root, folder, name);
        const found = await stat(directory).catch(absent);
        if (found !== null) entries.push({ name: `${folder}/${name}`, bytes: await this.#bytesOf(`${folder}/${name}`), usedMs: found.mtimeMs });
      }
    }
    return entries.sort((a, b) => a.usedMs - b.usedMs);
  }

  async #bytesOf(name: string): Promise<number> {
    const bytes = this.#sizes.get(name) ?? (await sizeOf(join(this.root, name)));
    this.#sizes.set(name, bytes);
    return bytes;
  }
}

/** @returns what removes the mark */
async function mark(directory: string, kind: 'lease' | 'eviction'): Promise<() => Promise<void>> {
  const path = markedPath(directory, kind);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  const renewal = setInterval(() => void setUsed(path, new Date()), RENEWAL_MS).unref();
  return async () => {
    clearInterval(renewal);
    await rm(path, { force: true });
  };
}

/** An entry's time of modification is that of its last use. @returns whether it is there */
async function setUsed(path: string, when: Date): Promise<boolean> {
  return (await utimes(path, when, when).then(() => true, absent)) ?? false;
}

/** Bytes of a flat directory. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of (await readdir(directory).catch(absent)) ?? []) bytes += (await stat(join(directory, name)).catch(absent))?.size ?? 0;
  return bytes;
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
