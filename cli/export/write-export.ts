import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { BadInputError } from '../../campaign/errors';
import { temporaryNameBeside } from '../../engine/files/atomic-write';
import { plainFileName } from '../../storage/artifact-directory';
import type { ArtifactStore } from '../../storage/artifact-store';
import { canonicalJson } from '../../storage/canonical-json';
import { hashFile } from '../../storage/content-hash';
import { exportReadme } from './export-readme';
import { adapterFolder, type ExportedPolicy, type ExportIdentity } from './policy-lineage';

const MANIFEST = 'export.json';
const README = 'README.md';

/** `export.json`: the export's identity, which is compared as it was read, and the hash of every other file by its path. */
const exportManifestSchema = z.looseObject({ contents: z.record(z.string(), z.string()) });

/** Merges the adapters of the directories, in order, into a new directory. */
export type Merge = (adapterDirectories: readonly string[], outDirectory: string) => Promise<void>;

/**
 * Writes an export, which appears whole or not at all. Files come from the store with their hashes verified.
 *
 * @param merge absent: the adapters themselves are written
 * @returns whether the very same export was there already, unharmed; then nothing is written
 * @throws BadInputError where `out` holds anything else
 */
export async function writeExport(
  store: ArtifactStore,
  policy: ExportedPolicy,
  identity: ExportIdentity,
  out: string,
  merge?: Merge,
): Promise<{ readonly unchanged: boolean }> {
  if (await holdsExport(out, identity)) return { unchanged: true };
  const target = resolve(out);
  mkdirSync(dirname(target), { recursive: true });
  const staging = temporaryNameBeside(target);
  try {
    const adapters = merge === undefined ? join(staging, 'export') : join(staging, 'adapters');
    mkdirSync(adapters, { recursive: true });
    const folders = await writeAdapters(store, policy, adapters);
    const content = join(staging, 'export');
    await merge?.(folders, content);
    writeFileSync(join(content, README), exportReadme(identity));
    const manifest = { ...identity, contents: await hashesOf(content) };
    writeFileSync(join(content, MANIFEST), canonicalJson(manifest));
    if (existsSync(target)) rmdirSync(target);
    renameSync(content, target);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return { unchanged: false };
}

async function writeAdapters(store: ArtifactStore, { adapters }: ExportedPolicy, directory: string): Promise<string[]> {
  const folders: string[] = [];
  for (const { epoch, manifest } of adapters) {
    const folder = join(directory, adapterFolder(epoch));
    for (const [name, ref] of Object.entries(manifest.files)) await store.getFile(ref, join(folder, plainFileName(name)));
    folders.push(folder);
  }
  return folders;
}

/** False for a directory that is not there or empty. @throws BadInputError for any but this very export, unharmed */
async function holdsExport(out: string, identity: ExportIdentity): Promise<boolean> {
  const names = existsSync(out) ? readdirSync(out) : [];
  if (names.length === 0) return false;
  const refuse = (got: string): never => {
    throw new BadInputError({ where: `--out ${out}`, expected: 'a new or empty directory, or this very export', got });
  };
  if (!names.includes(MANIFEST)) return refuse(`one with ${names.sort()[0]}`);
  const { contents, ...there } = parsedManifest(join(out, MANIFEST)) ?? refuse(`one whose ${MANIFEST} is no export's`);
  if (canonicalJson(there) !== canonicalJson(identity)) return refuse('another export');
  const found = await hashesOf(out);
  delete found[MANIFEST];
  const changed = [...new Set([...Object.keys(contents), ...Object.keys(found)])].sort().find((name) => contents[name] !== found[name]);
  return changed === undefined ? true : refuse(`this export with another ${changed}`);
}

function parsedManifest(file: string): z.infer<typeof exportManifestSchema> | null {
  try {
    return exportManifestSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
  } catch (error) {
    // Whoever wrote it, it was not this command.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Path within `directory`, with slashes -> sha256. */
async function hashesOf(directory: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    hashes[relative(directory, path).split(sep).join('/')] = (await hashFile(path)).sha256;
  }
  return hashes;
}
