import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../contracts/errors';
import type { Checkpoint, CheckpointSettings, FineTuneOutcome } from '../../../contracts/language-model';
import { parseJsonObject } from '../../files/json-file';
import { openSafetensors, readTensorF32, type SafetensorsFile, writeSafetensors } from '../../files/safetensors';
import type { AdapterState } from './training-stack';

/** Where a job stands. Of one that failed nothing is kept but that; of a finished one no moments. */
export interface JobStanding {
  /** Of its steps so far. */
  readonly losses: readonly number[];
  readonly failure?: FineTuneOutcome;
  readonly state?: Pick<AdapterState, 'parameters'> & Partial<AdapterState>;
}

const ARRAYS = ['parameters', 'firstMoment', 'secondMoment'] as const;
/** The newest may be damaged by what killed the process. */
const KEPT = 2;

const UNNAMED = 'unnamed.safetensors';

/** `checkpoint-<steps>-<sha256 of the file>.safetensors`. */
const FILE_NAME = /^checkpoint-(\d{9,16})-([0-9a-f]{64})\.safetensors$/;

/** A checkpoint's file name: what it holds can be told, and proven, from outside. */
export function checkpointFileName(steps: number, sha256: string): string {
  return `checkpoint-${String(steps).padStart(9, '0')}-${sha256}.safetensors`;
}

/** The checkpoints of one training in a directory. */
export class TrainingCheckpoints {
  private savedAt = performance.now();

  constructor(private readonly settings: CheckpointSettings) {
    mkdirSync(settings.directory, { recursive: true });
    for (const name of readdirSync(settings.directory)) {
      // Of a process that was killed while it wrote.
      if (name.startsWith(UNNAMED)) rmSync(join(settings.directory, name));
    }
  }

  /**
   * Where the newest whole checkpoint stands, by job; undefined where there is none. A damaged one is passed over.
   *
   * @param P of the stack
   * @throws BadInputError for a checkpoint of another training
   */
  async restore(P: number): Promise<readonly JobStanding[] | undefined> {
    for (const { name, sha256 } of this.files().reverse()) {
      const file = join(this.settings.directory, name);
      if ((await sha256Of(file)) !== sha256) continue;
      const opened = openSafetensors(file);
      const { fingerprint, jobs } = parseJsonObject(Buffer.from(opened.metadata['training'] ?? '{}'), `${file}: __metadata__.training`);
      if (fingerprint !== this.settings.fingerprint) {
        throw new BadInputError({
          where: file,
          expected: 'a checkpoint of this very training on this kind of machine (remove the folder to start over)',
          got: 'one of another model, data, settings or machine',
        });
      }
      return (jobs as Pick<JobStanding, 'losses' | 'failure'>[]).map((job, i) => ({ ...job, ...readState(opened, i, P) }));
    }
    return undefined;
  }

  /** Whether it is time for the next. */
  get isDue(): boolean {
    return performance.now() - this.savedAt >= this.settings.seconds * 1000;
  }

  /** Writes a checkpoint, whole or not at all, and lets go of those before the last. */
  async save(standings: readonly JobStanding[]): Promise<Checkpoint> {
    const { directory, fingerprint } = this.settings;
    const steps = standings.reduce((sum, { losses }) => sum + losses.length, 0);
    const training = JSON.stringify({ fingerprint, jobs: standings.map(({ losses, failure }) => ({ losses, failure })) });
    const tensors = standings.flatMap(({ state }, i) =>
      ARRAYS.flatMap((array) => {
        const data = state?.[array];
        return data === undefined ? [] : [{ name: tensorName(i, array), dtype: 'F32' as const, shape: [data.length], data }];
      }),
    );
    const unnamed = join(directory, UNNAMED);
    writeSafetensors(unnamed, tensors, { training });
    const name = join(directory, checkpointFileName(steps, await sha256Of(unnamed)));
    renameSync(unnamed, name);
    for (const old of this.files().slice(0, -KEPT)) rmSync(join(directory, old.name), { force: true });
    this.savedAt = performance.now();
    return { name, steps };
  }

  /** The training has ended: removes its checkpoints, and the directory if nothing else is in it. */
  clear(): void {
    const { directory } = this.settings;
    for (const { name } of this.files()) rmSync(join(directory, name), { force: true });
    if (readdirSync(directory).length === 0) rmSync(directory, { recursive: true });
  }

  /** The oldest first. */
  private files(): { readonly name: string; readonly steps: number; readonly sha256: string }[] {
    return readdirSync(this.settings.directory)
      .flatMap((name) => {
        const [, steps, sha256] = FILE_NAME.exec(name) ?? [];
        return sha256 === undefined ? [] : [{ name, steps: Number(steps), sha256 }];
      })
      .sort((a, b) => a.steps - b.steps || (a.name < b.name ? -1 : 1));
  }
}

function tensorName(job: number, array: (typeof ARRAYS)[number]): string {
  return `${job}.${array}`;
}

function readState(opened: SafetensorsFile, job: number, P: number): Pick<JobStanding, 'state'> {
  const entries = ARRAYS.flatMap((array) => {
    const entry = opened.tensors.get(tensorName(job, array));
    if (entry !== undefined && entry.shape.join() !== String(P)) throw new RangeError(`${tensorName(job, array)}: expected [${P}], got [${entry.shape.join(', ')}]`);
    return entry === undefined ? [] : [[array, readTensorF32(entry)] as const];
  });
  return entries.length === 0 ? {} : { state: Object.fromEntries(entries) as unknown as AdapterState };
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
