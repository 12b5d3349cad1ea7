import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../campaign/artifacts';
import { BadInputError } from '../campaign/errors';
import type { ArtifactStore } from './artifact-store';
import { hashFile } from './content-hash';
import { partialPath } from './partial-path';

/** File name -> artifact, as a manifest's `files`. */
export type DirectoryRefs = Readonly<Record<string, ArtifactRef>>;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.md': 'text/markdown',
  '.txt': 'text/plain',
};

/**
 * Stores the files of a flat directory.
 * @param names which files, in any order. @default every file in it
 * @returns name -> artifact, sorted by name
 * @throws BadInputError if the directory holds another directory and `names` is not given
 */
export async function putDirectory(
  store: ArtifactStore,
  directory: string,
  names?: readonly string[],
): Promise<Record<string, ArtifactRef>> {
  const refs: Record<string, ArtifactRef> = {};
  for (const name of [...(names ?? (await flatNames(directory)))].sort()) {
    refs[name] = await store.put({ file: join(directory, plainFileName(name)) }, mediaTypeOf(name));
  }
  return refs;
}

/**
 * A directory with exactly these files, under `cacheDirectory` and named by their content.
 *
 * It appears whole or not at all, whoever else asks for it or dies meanwhile; a copy that is there already is verified
 * before it is used again. Readers must not write into it.
 * @returns its absolute path, if `cacheDirectory` is absolute
 * @throws as ArtifactStore.get
 */
export async function getDirectory(store: ArtifactStore, files: DirectoryRefs, cacheDirectory: string): Promise<string> {
  const directory = join(cacheDirectory, directoryKey(files));
  if (await holds(directory, files)) return directory;
  await mkdir(cacheDirectory, { recursive: true });
  const partial = partialPath(directory);
  try {
    await mkdir(partial);
    for (const [name, ref] of Object.entries(files)) await store.getFile(ref, join(partial, plainFileName(name)));
    await moveIntoPlace(partial, directory, () => holds(directory, files));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return directory;
}

/** Hex SHA-256 over names and hashes: equal directories share a key. */
export function directoryKey(files: DirectoryRefs): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) hash.update(`${files[name]?.sha256} ${name}\n`);
  return hash.digest('hex');
}

/**
 * Gives a directory its name, unless a whole one has it already.
 *
 * @param isWhole whether what is in the way can be used instead
 */
export async function moveIntoPlace(partial: string, directory: string, isWhole: () => Promise<boolean>): Promise<void> {
  try {
    await rename(partial, directory);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    // Another caller was faster, or a damaged copy is in the way.
    if (await isWhole()) return;
    const damaged = partialPath(directory);
    await rename(directory, damaged);
    await rename(partial, directory);
    await rm(damaged, { recursive: true, force: true });
  }
}

async function holds(directory: string, files: DirectoryRefs): Promise<boolean> {
  for (const [name, ref] of Object.entries(files)) {
    try {
      const content = await hashFile(join(directory, plainFileName(name)));
      if (content.sha256 !== ref.sha256) return false;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR') return false;
      throw error;
    }
  }
  return (await isDirectory(directory)) && (await readdir(directory)).length === Object.keys(files).length;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

async function flatNames(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const odd = entries.find((entry) => !entry.isFile());
  if (odd !== undefined) {
    throw new BadInputError({ where: directory, expected: 'files only', got: `${odd.name}, which is no file` });
  }
  return entries.map((entry) => entry.name);
}

/** Refuses a name that would lead out of the directory it is meant for: manifests may come from a store that others write to. @throws BadInputError */
export function plainFileName(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw new BadInputError({ where: 'file name of a stored directory', expected: 'a plain name', got: JSON.stringify(name) });
  }
  return name;
}

function mediaTypeOf(name: string): string {
  return MEDIA_TYPES[/\.[a-z]+$/.exec(name)?.[0] ?? ''] ?? 'application/octet-stream';
}
