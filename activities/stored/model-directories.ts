import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { log } from '@temporalio/activity';
import type { PinnedModel } from '../../campaign/campaign';
import { ArtifactCorruptError, BadInputError, MachineUnableError } from '../../campaign/errors';
import type { LanguageModel } from '../../campaign/language-model';
import type { Machine } from '../../campaign/machine';
import { modelFiles } from '../../engine/files/model-directory';
import { manifestSha256 } from '../../record/document-type';
import { policyDocument } from '../../record/documents/epochs';
import { filesSha256, pinnedSha256 } from '../../record/pinned-model';
import { directoryKey, type DirectoryRefs, getDirectory } from '../../storage/artifact-directory';
import type { ArtifactStore } from '../../storage/artifact-store';
import { hashBytes, hashFile } from '../../storage/content-hash';
import type { DirectoryCache, Lease } from '../../storage/directory-cache';
import { type FileHashes, keptDirectory } from '../../storage/kept-directory';
import type { ComputeGate, ComputeLimits } from '../execution/compute-gate';
import { machineKey } from '../training/stored-checkpoints';
import { Remembered } from './remembered';

/** A policy as files on this machine, which stay until it is disposed of, and what it was made from. */
export interface PolicyDirectory extends AsyncDisposable {
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
  readonly cache: DirectoryCache;
  readonly machine?: Machine;
  readonly codeVersion?: string;
}

/** Policies on this machine: the base as pinned, or base and M-step adapters merged once and kept by content. */
export class ModelDirectories {
  readonly #dependencies: ModelDependencies;
  /** How the base's files differ from those pinned, if they do. */
  readonly #verified = new Remembered<MachineUnableError | null>(POLICIES_IN_MEMORY);
  /** Hashes of merged policies that this process has compared with their files. */
  readonly #merged = new Remembered<FileHashes>(POLICIES_IN_MEMORY);
  /** By the hash of their manifests. */
  readonly #policies = new Remembered<Policy>(POLICIES_IN_MEMORY);
  /** Policies that are being looked at or merged, for all who ask for them meanwhile. */
  readonly #opening = new Map<string, Promise<FileHashes>>();

  constructor(dependencies: ModelDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Compares the base's files with those pinned; hashes them once a process, and again where a file has changed since.
   * @throws MachineUnableError naming the first file that is missing or differs
   */
  async verifyBase(base: PinnedModel): Promise<void> {
    const key = `${base.directory}\n${pinnedSha256(base)}\n${await stateOf(base)}`;
    const difference = await this.#verified.get(key, () => verifyPinnedFiles(base).then(() => null, differenceIn(base)));
    if (difference !== null) throw difference;
  }

  /** Runs what reads the base's files. They may go or change while it waits: then that is why it fails. */
  async reading<Result>(base: PinnedModel, work: () => Promise<Result>): Promise<Result> {
    await this.verifyBase(base);
    try {
      return await work();
    } catch (error) {
      await this.verifyBase(base);
      throw error;
    }
  }

  /**
   * The model directory of a policy, merged where it is not there yet or no longer whole. `limits` bound the merge.
   * @param key of the policy's manifest; null: the base
   */
  async policy(base: PinnedModel, key: string | null, limits: ComputeLimits): Promise<PolicyDirectory> {
    await this.verifyBase(base);
    const inputs = { base: pinnedSha256(base) };
    if (key === null) return { directory: base.directory, inputs, [Symbol.asyncDispose]: () => Promise.resolve() };
    const policy = await this.#read(key);
    const lease = await this.#lease(base, policy, limits);
    return { ...lease, inputs: { ...inputs, [key]: policy.sha256, [MERGED_INPUT]: filesSha256(lease.opened) } };
  }

  /** @throws ArtifactMissingError, ArtifactCorruptError, also where a parent is not what the policy was trained from */
  async #read(key: string, expectedSha256?: string): Promise<Policy> {
    const { manifest, summary } = await policyDocument.read(this.#dependencies.store, key);
    const sha256 = manifestSha256(manifest);
    if (expectedSha256 !== undefined && sha256 !== expectedSha256) throw new ArtifactCorruptError(`${key}: sha256 ${sha256}, where ${expectedSha256} was trained from`);
    // A manifest names its parent with its hash, so this one's hash stands for all of them.
    return this.#policies.get(sha256, async () => {
      const parent = summary.parent === null ? null : await this.#read(summary.parent, manifest.lineage.inputs[summary.parent] ?? 'nothing');
      const content = hashBytes(Buffer.from(`${parent?.content ?? ''}\n${directoryKey(manifest.files)}`)).sha256;
      return { sha256, content, adapter: manifest.files, parent };
    });
  }

  async #lease(base: PinnedModel, policy: Policy, limits: ComputeLimits): Promise<Lease<FileHashes>> {
    const { cache } = this.#dependencies;
    const name = this.#nameOf(base, policy);
    const supersedes = policy.parent === null ? {} : { supersedes: this.#nameOf(base, policy.parent) };
    return cache.lease(name, { bytes: await sizeOf(base), ...supersedes, open: (directory) => this.#open(name, directory, { base, policy, limits }) });
  }

  /** Another kind of machine, or other code, may merge the same content to other bits. */
  #nameOf(base: PinnedModel, policy: Policy): string {
    const { machine, codeVersion } = this.#dependencies;
    const made = [machineKey(machine, codeVersion), pinnedSha256(base), policy.content];
    return `policies/${hashBytes(Buffer.from(made.join('\n'))).sha256.slice(0, 32)}`;
  }

  /** Shared by all who wait for it, so no one caller's cancellation may end it. */
  #open(name: string, directory: string, merge: Merge): Promise<FileHashes> {
    const known = this.#opening.get(name) ?? this.#whole(name, directory, merge).finally(() => this.#opening.delete(name));
    this.#opening.set(name, known);
    return known;
  }

  async #whole(name: string, directory: string, merge: Merge): Promise<FileHashes> {
    const keep = (): Promise<FileHashes> =>
      keptDirectory(
        directory,
        (partial) => this.#merge(merge, partial),
        (what) => {
          log.warn(`a merged policy on this machine is damaged and merged again: ${directory}: ${what}`);
        },
      );
    // One that was evicted and made again has not been looked at, whoever made it.
    const seen = async (): Promise<string | null> => {
      const found = await stat(directory).catch(() => null);
      return found === null ? null : `${name} ${found.ino} ${found.birthtimeMs}`;
    };
    const there = await seen();
    if (there !== null) return this.#merged.get(there, keep);
    const files = await keep();
    return this.#merged.get((await seen()) ?? name, () => Promise.resolve(files));
  }

  /** From the nearest ancestor at hand: merging one adapter after the other gives the same bits as merging all at once. */
  async #merge({ base, policy, limits }: Merge, outDirectory: string): Promise<void> {
    const { model, store, gate, cache } = this.#dependencies;
    const adapters: DirectoryRefs[] = [];
    let ancestor: Policy | null = policy;
    do {
      adapters.unshift(ancestor.adapter);
      ancestor = ancestor.parent;
    } while (ancestor !== null && !(await cache.has(this.#nameOf(base, ancestor))));
    const leases: Lease<unknown>[] = [];
    const lease = async (leased: Promise<Lease<unknown>>): Promise<string> => {
      leases.push(await leased);
      return leases.at(-1)!.directory;
    };
    try {
      const modelDirectory = ancestor === null ? base.directory : await lease(this.#lease(base, ancestor, limits));
      const adapterDirectories: string[] = [];
      for (const files of adapters) adapterDirectories.push(await lease(leaseAdapter(cache, store, files)));
      const request = { modelDirectory, adapterDirectories, outDirectory };
      await this.reading(base, async () => {
        using admission = await gate.admit(new AbortController().signal, limits);
        await admission.settle(model.merge(request, admission.options));
      });
    } finally {
      for (const one of leases) await one[Symbol.asyncDispose]();
    }
  }
}

/** A policy as its manifest names it: an adapter, merged onto its parent. */
interface Policy {
  /** Of its manifest. */
  readonly sha256: string;
  /** Over the adapters' files, whichever campaign trained them: adapters that are trained on a policy name its directory. */
  readonly content: string;
  readonly adapter: DirectoryRefs;
  /** Null: the base. */
  readonly parent: Policy | null;
}

interface Merge {
  readonly base: PinnedModel;
  readonly policy: Policy;
  readonly limits: ComputeLimits;
}

/** An adapter's files on this machine, fetched where they are not there or not whole. */
export function leaseAdapter(cache: DirectoryCache, store: ArtifactStore, files: DirectoryRefs): Promise<Lease<string>> {
  const bytes = Object.values(files).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return cache.lease(adapterEntry(files), { bytes, open: (directory) => getDirectory(store, files, dirname(directory)) });
}

/** Its name in the cache. */
export function adapterEntry(files: DirectoryRefs): string {
  return `adapters/${directoryKey(files)}`;
}

/** About the bytes of a policy that is merged from it. */
async function sizeOf(base: PinnedModel): Promise<number> {
  const files = await statAll(base);
  return files.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

/** Another text where a file has come, gone or been written. */
async function stateOf(base: PinnedModel): Promise<string> {
  const files = [await stat(base.directory).catch(() => null), ...(await statAll(base))];
  return files.map((file) => (file === null ? 'none' : `${file.ino} ${file.size} ${file.ctimeMs}`)).join(', ');
}

function statAll({ directory, files }: PinnedModel) {
  return Promise.all(Object.keys(files).map((name) => stat(join(directory, name)).catch(() => null)));
}

/** What could not be read may be readable the next time: that is thrown, and so not remembered. */
function differenceIn({ directory }: PinnedModel): (error: unknown) => MachineUnableError {
  return (error) => {
    if (error instanceof MachineUnableError) return error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof BadInputError) throw error;
    throw new MachineUnableError({ where: directory, expected: 'files that can be read', got: message }, { cause: error });
  };
}

/** A model directory with the hash of each file that the engine reads. */
export async function pinModel(directory: string): Promise<PinnedModel> {
  const files: Record<string, string> = {};
  for (const name of modelFiles(directory)) files[name] = (await hashFile(join(directory, name))).sha256;
  return { directory, files };
}

/** Hashes a model's files and compares them with those pinned. @throws MachineUnableError naming the first file that is missing or differs */
export async function verifyPinnedFiles({ directory, files }: PinnedModel): Promise<void> {
  const here = existsSync(directory) ? await readdir(directory) : null;
  const missing = Object.keys(files).find((name) => here?.includes(name) !== true);
  if (missing !== undefined) {
    throw new MachineUnableError({ where: directory, expected: `the model pinned at start, with ${missing}`, got: here === null ? 'no such directory' : 'no such file' });
  }
  const pinned = Object.keys(files).sort();
  for (const name of pinned) {
    const { sha256 } = await hashFile(join(directory, name));
    if (sha256 !== files[name]) {
      throw new MachineUnableError({ where: join(directory, name), expected: `sha256 ${files[name]}, pinned at start`, got: sha256 });
    }
  }
  const found = modelFiles(directory);
  if (found.join('\n') !== pinned.join('\n')) {
    throw new MachineUnableError({ where: directory, expected: `the files pinned at start: ${pinned.join(', ')}`, got: found.join(', ') });
  }
}
