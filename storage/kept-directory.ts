import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { moveIntoPlace } from './artifact-directory';
import { hashFile } from './content-hash';
import { partialPath } from './partial-path';

/** File name -> hex SHA-256. */
export type FileHashes = Readonly<Record<string, string>>;

const HASHES_FILE = 'sha256.json';
const hashesSchema = z.record(z.string(), z.string());

/**
 * A flat directory on this machine's disk that costs something to make: made where it is not there, and kept. Hashes of its files lie in it,
 * and every call compares the files with them, since a disk may lose or change what it was given; whoever knows that nothing has
 * happened since remembers the result. It is on the disk before it has its name, and its name before this returns.
 *
 * @param make makes it at the path that it is given, where nothing is
 * @param onDamaged told of the first difference in words, before the directory is removed and made again
 * @returns hashes of its files
 * @throws as `make`
 */
export async function keptDirectory(directory: string, make: (partial: string) => Promise<void>, onDamaged: (what: string) => void): Promise<FileHashes> {
  const found = await inspect(directory);
  if (found?.damage === null) return found.hashes;
  if (found !== null) {
    onDamaged(found.damage);
    await removeSame(directory, found.inode);
  }
  await mkdir(dirname(directory), { recursive: true });
  const partial = partialPath(directory);
  try {
    await make(partial);
    await writeFile(join(partial, HASHES_FILE), JSON.stringify(await hashesIn(partial)));
    for (const name of await readdir(partial)) await flush(join(partial, name));
    await flush(partial);
    await moveIntoPlace(partial, directory, async () => (await inspect(directory))?.damage === null);
    await flush(dirname(directory));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  // Another process may have been faster, with files of its own.
  return readHashes(directory);
}

type Inspected = { readonly damage: null; readonly hashes: FileHashes } | { readonly damage: string; readonly inode: number };

/** @returns null where there is no such directory */
async function inspect(directory: string): Promise<Inspected | null> {
  const entry = await stat(directory).catch(absent);
  if (entry === null) return null;
  const damaged = (damage: string): Inspected => ({ damage, inode: entry.ino });
  let hashes: FileHashes;
  try {
    hashes = await readHashes(directory);
  } catch (error) {
    const got = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'nothing' : 'other bytes';
    return damaged(`${HASHES_FILE}: expected the hashes of its files, got ${got}`);
  }
  const names = (await readdir(directory)).filter((name) => name !== HASHES_FILE).sort().join(', ');
  const expected = Object.keys(hashes).sort().join(', ');
  if (names !== expected) return damaged(`expected ${expected}, got ${names}`);
  for (const [name, sha256] of Object.entries(hashes)) {
    const got = (await hashFile(join(directory, name))).sha256;
    if (got !== sha256) return damaged(`${name}: expected sha256 ${sha256}, got ${got}`);
  }
  return { damage: null, hashes };
}

async function readHashes(directory: string): Promise<FileHashes> {
  return hashesSchema.parse(JSON.parse(await readFile(join(directory, HASHES_FILE), 'utf8')));
}

async function hashesIn(directory: string): Promise<FileHashes> {
  const hashes: Record<string, string> = {};
  for (const name of (await readdir(directory)).sort()) hashes[name] = (await hashFile(join(directory, name))).sha256;
  return hashes;
}

/** Another process may have put a whole one there since this one was looked at. */
async function removeSame(directory: string, inode: number): Promise<void> {
  const entry = await stat(directory).catch(absent);
  if (entry?.ino !== inode) return;
  const aside = partialPath(directory);
  await rename(directory, aside);
  await rm(aside, { recursive: true, force: true });
}

/** Brings a file's bytes, or a directory's names, to the disk. */
async function flush(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
