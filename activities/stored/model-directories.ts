import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PinnedModel } from '../../contracts/campaign';
import { BadInputError } from '../../contracts/errors';
import type { LanguageModel } from '../../contracts/language-model';
import { modelFiles } from '../../engine/files/model-directory';
import { directoryKey, getDirectory } from '../../storage/artifact-directory';
import type { ArtifactStore } from '../../storage/artifact-store';
import { hashBytes, hashFile } from '../../storage/content-hash';
import { partialPath } from '../../storage/partial-path';
import type { ComputeGate, ComputeLimits } from '../execution/compute-gate';
import { Remembered } from './remembered';
import { manifestSha256 } from './stored-json';

/** A policy as files on this machine, and what it was made from. */
export interface PolicyDirectory {
  readonly directory: string;
  /** For lineages: name -> sha256. */
  readonly inputs: Readonly<Record<string, string>>;
}

const POLICIES_IN_MEMORY = 32;

/** Policies on this machine: the base as pinned, or base and M-step adapters merged once and kept by content. */
export class ModelDirectories {
  readonly #dependencies: { model: LanguageModel; store: ArtifactStore; gate: ComputeGate; cacheDirectory: string };
  readonly #verified = new Remembered<void>(POLICIES_IN_MEMORY);
  readonly #merged = new Remembered<PolicyDirectory>(POLICIES_IN_MEMORY);

  constructor(dependencies: { model: LanguageModel; store: ArtifactStore; gate: ComputeGate; cacheDirectory: string }) {
    this.#dependencies = dependencies;
  }

  /**
   * Hashes the base's files, once a process, and compares them with those pinned.
   * @throws BadInputError naming the first file that differs
   */
  verifyBase(base: PinnedModel): Promise<void> {
    return this.#verified.get(`${base.directory}\n${pinnedSha256(base)}`, () => verifyPinnedFiles(base));
  }

  /** The model directory of a policy, merged where it is not there yet. `limits` bound the merge. */
  async policy(base: PinnedModel, adapterKeys: readonly string[], limits: ComputeLimits): Promise<PolicyDirectory> {
    await this.verifyBase(base);
    const inputs: Record<string, string> = { base: pinnedSha256(base) };
    if (adapterKeys.length === 0) return { directory: base.directory, inputs };
    const { store } = this.#dependencies;
    const manifests = await Promise.all(adapterKeys.map((key) => store.readManifest(key)));
    manifests.forEach((manifest, i) => {
      inputs[adapterKeys[i]!] = manifestSha256(manifest);
    });
    const content = hashBytes(Buffer.from([inputs['base'], ...manifests.map(({ files }) => directoryKey(files))].join('\n')));
    const adapters = manifests.map(({ files }) => files);
    // Shared by all who wait for it, so no one caller's cancellation may end it.
    return this.#merged.get(`${content.sha256}\n${JSON.stringify(inputs)}`, async () => {
      const directory = join(this.#dependencies.cacheDirectory, 'policies', content.sha256.slice(0, 32));
      if (!existsSync(directory)) await this.#merge(base, adapters, directory, limits);
      return { directory, inputs };
    });
  }

  async #merge(base: PinnedModel, adapters: readonly Parameters<typeof directoryKey>[0][], directory: string, limits: ComputeLimits): Promise<void> {
    const { model, store, gate, cacheDirectory } = this.#dependencies;
    const adapterDirectories: string[] = [];
    for (const files of adapters) adapterDirectories.push(await getDirectory(store, files, join(cacheDirectory, 'adapters')));
    const partial = partialPath(directory);
    await mkdir(join(cacheDirectory, 'policies'), { recursive: true });
    try {
      await gate.run(new AbortController().signal, limits, (inner) =>
        model.merge({ modelDirectory: base.directory, adapterDirectories, outDirectory: partial }, inner),
      );
      await rename(partial, directory).catch((error: NodeJS.ErrnoException) => {
        // Another process merged the same content meanwhile.
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
}

/** A model directory with the hash of each file that the engine reads. */
export async function pinModel(directory: string): Promise<PinnedModel> {
  const files: Record<string, string> = {};
  for (const name of modelFiles(directory)) files[name] = (await hashFile(join(directory, name))).sha256;
  return { directory, files };
}

/** One hash over the names and hashes of a model's files. */
export function pinnedSha256(base: PinnedModel): string {
  const lines = Object.entries(base.files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sha256]) => `${sha256} ${name}\n`);
  return hashBytes(Buffer.from(lines.join(''))).sha256;
}

/** Hashes a model's files and compares them with those pinned. @throws BadInputError naming the first file that differs */
export async function verifyPinnedFiles(base: PinnedModel): Promise<void> {
  const here = modelFiles(base.directory);
  const pinned = Object.keys(base.files).sort();
  if (here.join('\n') !== pinned.join('\n')) {
    throw new BadInputError({ where: base.directory, expected: `the files pinned at start: ${pinned.join(', ')}`, got: here.join(', ') });
  }
  for (const name of here) {
    const { sha256 } = await hashFile(join(base.directory, name));
    if (sha256 !== base.files[name]) {
      throw new BadInputError({ where: join(base.directory, name), expected: `sha256 ${base.files[name]}, pinned at start`, got: sha256 });
    }
  }
}

