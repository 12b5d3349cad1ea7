import { BadInputError } from '../../../campaign/errors';
import type { Checkpoint, CheckpointSettings, FineTuneOutcome } from '../../../campaign/language-model';
import { CheckpointFiles } from '../../files/checkpoint-files';
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

/** The checkpoints of one training. */
export class TrainingCheckpoints {
  private readonly files: CheckpointFiles;
  private savedAt = performance.now();

  constructor(private readonly settings: CheckpointSettings) {
    this.files = new CheckpointFiles(settings.directory);
  }

  /**
   * Where the newest whole checkpoint stands, by job; undefined where there is none.
   *
   * @param P of the stack
   * @throws BadInputError for a checkpoint of another training
   */
  async restore(P: number): Promise<readonly JobStanding[] | undefined> {
    const newest = await this.files.newest();
    if (newest === undefined) return undefined;
    const opened = openSafetensors(newest.name);
    const { fingerprint, jobs } = parseJsonObject(Buffer.from(opened.metadata['training'] ?? '{}'), `${newest.name}: __metadata__.training`);
    if (fingerprint !== this.settings.fingerprint) {
      throw new BadInputError({
        where: newest.name,
        expected: 'a checkpoint of this very training on this kind of machine (remove the folder to start over)',
        got: 'one of another model, data, settings, version or machine',
      });
    }
    return (jobs as Pick<JobStanding, 'losses' | 'failure'>[]).map((job, i) => ({ ...job, ...readState(opened, i, P) }));
  }

  /** Whether it is time for the next. */
  get isDue(): boolean {
    return performance.now() - this.savedAt >= this.settings.seconds * 1000;
  }

  /** Writes a checkpoint, whole or not at all. */
  async save(standings: readonly JobStanding[]): Promise<Checkpoint> {
    const { fingerprint } = this.settings;
    const steps = standings.reduce((sum, { losses }) => sum + losses.length, 0);
    const training = JSON.stringify({ fingerprint, jobs: standings.map(({ losses, failure }) => ({ losses, failure })) });
    const tensors = standings.flatMap(({ state }, i) =>
      ARRAYS.flatMap((array) => {
        const data = state?.[array];
        return data === undefined ? [] : [{ name: tensorName(i, array), dtype: 'F32' as const, shape: [data.length], data }];
      }),
    );
    const checkpoint = await this.files.add(steps, (file) => writeSafetensors(file, tensors, { training }));
    this.savedAt = performance.now();
    return checkpoint;
  }

  /** The training has ended. */
  clear(): void {
    this.files.clear();
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
