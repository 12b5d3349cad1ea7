import { join } from 'node:path';
import { ArtifactCorruptError, ArtifactMissingError } from '../../campaign/errors';
import type { Checkpoint } from '../../campaign/language-model';
import type { Machine } from '../../campaign/machine';
import { CHECKPOINT_FILE, checkpointDocument } from '../../record/documents/work';
import { fileOf } from '../../record/json-file';
import { type ArtifactStore, artifactKey } from '../../storage/artifact-store';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { canonicalJson } from '../../storage/canonical-json';
import { hashBytes } from '../../storage/content-hash';

/** The older of two is there for a newest one whose bytes are damaged. */
const KEPT = 2;

export interface CheckpointPlace {
  readonly campaignId: string;
  /** The training's fingerprint. */
  readonly training: string;
  /** Where it is computed; elsewhere the bits could differ, so that only the same goes on from a checkpoint. */
  readonly machine: Machine | undefined;
  /** By which code, where that is not `codeVersion`: it too could give other bits. */
  readonly otherCode?: string | undefined;
  readonly codeVersion: string;
}

interface KnownCheckpoint extends Checkpoint {
  readonly machine: string;
}

/**
 * The checkpoints of one training in the store, whoever wrote them: attempts publish under the same keys, since the same steps on the
 * same kind of machine have the same bits. A checkpoint's bytes hold the training's fingerprint, so no other manifest names them.
 */
export class StoredCheckpoints {
  readonly #store: ArtifactStore;
  readonly #place: CheckpointPlace;
  readonly #machine: string;
  #known: KnownCheckpoint[] = [];
  /** Manifests of other trainings are never listed, so an attempt that saw and wrote none has nothing to remove. */
  #mayExist = false;

  constructor(store: ArtifactStore, place: CheckpointPlace) {
    this.#store = store;
    this.#place = place;
    this.#machine = machineKey(place.machine, place.otherCode);
  }

  /** Looks up what other attempts left. */
  async find(): Promise<void> {
    const keys = await this.#store.list(keyPrefixes.training(this.#place.campaignId, this.#place.training));
    this.#known = keys.flatMap((name) => {
      const at = manifestKeys.checkpoint.parse(name);
      return at === null ? [] : [{ name, machine: at.machine, steps: at.steps }];
    });
    this.#mayExist = this.#known.length > 0;
  }

  /** Optimiser steps that an attempt is known to have reached: on this kind of machine, or where none was on it, on another. */
  get mostSteps(): number {
    const counted = this.onlyOthers ? this.#known : this.#own();
    return Math.max(0, ...counted.map(({ steps }) => steps));
  }

  /** Whether only machines of another kind have left checkpoints. */
  get onlyOthers(): boolean {
    return this.#known.length > 0 && this.#own().length === 0;
  }

  /**
   * Fetches the newest checkpoint of this kind of machine whose bytes are whole; damaged ones are removed.
   *
   * @param nameFile of the file that it becomes in `directory`
   * @param onDamaged told of one that is passed over
   */
  async fetchNewest(
    directory: string,
    nameFile: (steps: number, sha256: string) => string,
    onDamaged: (error: Error) => void,
  ): Promise<Checkpoint | undefined> {
    for (const { name, steps } of this.#own().reverse()) {
      try {
        const found = await checkpointDocument.find(this.#store, name);
        if (found === null) continue;
        const ref = fileOf(found, CHECKPOINT_FILE);
        await this.#store.getFile(ref, join(directory, nameFile(steps, ref.sha256)));
        return { name, steps };
      } catch (error) {
        if (!(error instanceof ArtifactMissingError) && !(error instanceof ArtifactCorruptError)) throw error;
        onDamaged(error);
        await this.#remove(name);
      }
    }
    return undefined;
  }

  /** Stores a checkpoint, its manifest last, and removes those before the last. */
  async publish({ name: file, steps }: Checkpoint): Promise<Checkpoint> {
    const { campaignId, training, codeVersion, machine } = this.#place;
    const ref = await this.#store.put({ file }, 'application/octet-stream');
    const name = manifestKeys.checkpoint(campaignId, training, this.#machine, steps);
    this.#mayExist = true;
    await checkpointDocument.publish(this.#store, name, {
      files: { [CHECKPOINT_FILE]: ref },
      lineage: { inputs: {}, codeVersion, settings: { ...machine } },
      summary: { steps },
    });
    this.#known = [...this.#known.filter((known) => known.name !== name), { name, steps, machine: this.#machine }];
    for (const old of this.#own().slice(0, -KEPT)) await this.#remove(old.name);
    return { name, steps };
  }

  /** What was trained is committed: removes every attempt's checkpoints, and their bytes. */
  async discard(): Promise<void> {
    if (!this.#mayExist) return;
    await this.find();
    for (const { name } of this.#known) await this.#remove(name);
  }

  /** The oldest first. */
  #own(): KnownCheckpoint[] {
    return this.#known.filter(({ machine }) => machine === this.#machine).sort((a, b) => a.steps - b.steps);
  }

  async #remove(key: string): Promise<void> {
    await removeCheckpoint(this.#store, key);
    this.#known = this.#known.filter(({ name }) => name !== key);
  }
}

/** The manifest first: half of it done leaves bytes that nothing names, not a manifest that names nothing. */
async function removeCheckpoint(store: ArtifactStore, key: string): Promise<void> {
  const manifest = await store.findManifest(key);
  await store.remove(key);
  for (const ref of Object.values(manifest?.files ?? {})) await store.remove(artifactKey(ref));
}

/** Removes what attempts that were given up, but lived on, have left of a campaign that is complete. */
export async function removeCheckpoints(store: ArtifactStore, prefix: string): Promise<void> {
  for (const key of await store.list(prefix)) await removeCheckpoint(store, key);
}

/**
 * Of what decides the last bits of a result: instruction set, threads (or the cores that decide about them), ONNX Runtime, and the code.
 *
 * @param otherCode that computes here, where the training's own names another
 */
export function machineKey(machine: Machine | undefined, otherCode?: string): string {
  if (machine === undefined && otherCode === undefined) return '0'.repeat(12);
  const kind = { ...(machine && kindOf(machine)), ...(otherCode !== undefined && { otherCode }) };
  return hashBytes(Buffer.from(canonicalJson(kind))).sha256.slice(0, 12);
}

function kindOf({ instructionSet, threads, cores, onnxruntime }: Machine): Partial<Machine> {
  return { instructionSet, onnxruntime, ...(threads === null ? { cores } : { threads }) };
}
