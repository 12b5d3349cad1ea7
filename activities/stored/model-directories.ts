import { join } from 'node:path';
import { log } from '@temporalio/activity';
import type { PinnedModel } from '../../contracts/campaign';
import { BadInputError } from '../../contracts/errors';
import type { LanguageModel } from '../../contracts/language-model';
import type { Machine } from '../../contracts/machine';
import { modelFiles } from '../../engine/files/model-directory';
import { manifestSha256 } from '../../record/document-type';
import { directoryKey, getDirectory } from '../../storage/artifact-directory';
import type { ArtifactStore } from '../../storage/artifact-store';
import { hashBytes, hashFile } from '../../storage/content-hash';
import { keptDirectory } from '../../storage/kept-directory';
import type { ComputeGate, ComputeLimits } from '../execution/compute-gate';
import { machineKey } from '../training/stored-checkpoints';
import { Remembered } from './remembered';

/** A policy as files on this machine, and what it was made from. */
export interface PolicyDirectory {
  readonly directory: string;
  /** For lineages: name -> sha256. */
  readonly inputs: Readonly<Record<string, string>>;
}

const POLICIES_IN_MEMORY = 32;

/** In lineages: one hash over the files of the merged policy that the engine really read. */
export const MERGED_INPUT = 'merged';

interface ModelDependencies {
  readonly model: LanguageModel;
  readonly store: ArtifactStore;
  readonly gate: ComputeGate;
  readonly cacheDirectory: string;
  readonly machine?: Machine;
  readonly codeVersion?: string;
}

/** Policies on this machine: the base as pinned, or base and M-step adapters merged once and kept by content. */
export class ModelDirectories {
  readonly #dependencies: ModelDependencies;
  readonly #verified = new Remembered<void>(POLICIES_IN_MEMORY);
  readonly #merged = new Remembered<PolicyDirectory>(POLICIES_IN_MEMORY);

  constructor(dependencies: ModelDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Hashes the base's files, once a process, and compares them with those pinned.
   * @throws BadInputError naming the first file that differs
   */
  verifyBase(base: PinnedModel): Promise<void> {
    return this.#verified.get(`${base.directory}\n${pinnedSha256(base)}`, () => verifyPinnedFiles(base));
  }

  /** The model directory of a policy, merged where it is not there yet or no longer whole. `limits` bound the merge. */
  async policy(base: PinnedModel, adapterKeys: readonly string[], limits: ComputeLimits): Promise<PolicyDirectory> {
    await this.verifyBase(base);
    const inputs: Record<string, string> = { base: pinnedSha256(base) };
    if (adapterKeys.length === 0) return { directory: base.directory, inputs };
    const { store, cacheDirectory, machine, codeVersion } = this.#dependencies;
    const manifests = await Promise.all(adapterKeys.map((key) => store.readManifest(key)));
    manifests.forEach((manifest, i) => {
      inputs[adapterKeys[i]!] = manifestSha256(manifest);
    });
    // Another kind of machine, or other code, may merge the same content to other bits.
    const made = [machineKey(machine, codeVersion), inputs['base'], ...manifests.map(({ files }) => directoryKey(files))];
    const name = hashBytes(Buffer.from(made.join('\n'))).sha256.slice(0, 32);
    const adapters = manifests.map(({ files }) => files);
    // Shared by all who wait for it, so no one caller's cancellation may end it.
    return this.#merged.get(`${name}\n${JSON.stringify(inputs)}`, async () => {
      const directory = join(cacheDirectory, 'policies', name);
      const files = await keptDirectory(
        directory,
        (partial) => this.#merge(base, adapters, partial, limits),
        (what) => {
          log.warn(`a merged policy on this machine is damaged and merged again: ${directory}: ${what}`);
        },
      );
      return { directory, inputs: { ...inputs, [MERGED_INPUT]: filesSha256(files) } };
    });
  }

  async #merge(base: PinnedModel, adapters: readonly Parameters<typeof directoryKey>[0][], outDirectory: string, limits: ComputeLimits): Promise<void> {
    const { model, store, gate, cacheDirectory } = this.#dependencies;
    const adapterDirectories: string[] = [];
    for (const files of adapters) adapterDirectories.push(await getDirectory(store, files, join(cacheDirectory, 'adapters')));
    await gate.run(new AbortController().signal, limits, (inner) => model.merge({ modelDirectory: base.directory, adapterDirectories, outDirectory }, inner));
  }
}

/** A model directory with the hash of each file that the engine reads. */
export async function pinModel(directory: string): Promise<PinnedModel> {
  const files: Record<string, string> = {};
  for (const name of modelFiles(directory)) files[name] = (await hashFile(join(directory, name))).sha256;
  return { directory, files };
}

/** One hash over the names and hashes of a model's files. */
export function pinnedSha256({ files }: PinnedModel): string {
  return filesSha256(files);
}

function filesSha256(files: PinnedModel['files']): string {
  const lines = Object.entries(files)
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

