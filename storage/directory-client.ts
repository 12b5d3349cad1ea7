import { createReadStream } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { checkKey } from './artifact-key';
import type { ObjectClient, ObjectInfo, ObjectSource, WriteOptions } from './object-client';

/**
 * Objects as files of a directory, key for path: an export on a disk. Keys cannot leave the directory, and a link in it is not
 * followed.
 */
export class DirectoryObjectClient implements ObjectClient {
  readonly location: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.location = root;
  }

  async find(key: string): Promise<ObjectInfo | null> {
    const entry = await lstat(this.#path(key)).catch(absent);
    return entry?.isFile() === true ? { key, sizeBytes: entry.size, modifiedMs: entry.mtimeMs } : null;
  }

  async read(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    return (await this.find(key)) === null ? null : createReadStream(this.#path(key));
  }

  async write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'> {
    const path = this.#path(key);
    if (options.ifAbsent && (await this.find(key)) !== null) return 'exists';
    await mkdir(dirname(path), { recursive: true });
    const partial = `${path}.${randomUUID()}.partial`;
    try {
      await ('file' in source ? copyFile(source.file, partial) : writeFile(partial, source));
      if (!options.ifAbsent) await rename(partial, path);
      // A link, unlike a rename, is refused where something is.
      else if (!(await linked(partial, path))) return 'exists';
    } finally {
      await rm(partial, { force: true });
    }
    return 'written';
  }

  async list(prefix: string): Promise<ObjectInfo[]> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const root = join(this.#root, folder === '' ? '.' : this.#checked(folder));
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(absent);
    const found: ObjectInfo[] = [];
    for (const entry of entries ?? []) {
      const path = join(entry.parentPath, entry.name);
      const key = path.slice(join(this.#root, '/').length);
      if (!entry.isFile() || !key.startsWith(prefix) || key.endsWith('.partial')) continue;
      const { size, mtimeMs } = await stat(path);
      found.push({ key, sizeBytes: size, modifiedMs: mtimeMs });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  removeUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): void {
    // Files are closed after each operation.
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }

  #checked(folder: string): string {
    checkKey(folder.slice(0, -1));
    return folder;
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}
