import { join } from 'node:path';
import { log } from '@temporalio/activity';
import { type CampaignInput, manifestKeys } from '../contracts/campaign';
import type { Checkpoint, ComputeProgress, FineTuneRequest, FineTuneResult } from '../contracts/language-model';
import { checkpointFileName } from '../engine/files/checkpoint-files';
import { CheckpointUploads } from './checkpoint-uploads';
import type { AdmittedOptions } from './compute-gate';
import type { Services } from './services';
import { machineKey, StoredCheckpoints } from './stored-checkpoints';
import { trainingFingerprint } from './training-fingerprint';

/** A training as its attempts share it. */
export interface TrainingTask {
  readonly input: CampaignInput;
  readonly request: Omit<FineTuneRequest, 'checkpoints'>;
  /** What the bits depend on beside the request: the policy's hashes, and which of the campaign's trainings this is. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** Is removed by the caller. */
  readonly scratch: string;
  /** Steps that an attempt before this one is known to have taken, from its heartbeats. @default 0 */
  readonly stepsBefore?: number;
}

/**
 * A fine-tune that survives its process, its worker and its machine: checkpoints go to the store every `limits.checkpointSeconds`, and
 * whichever attempt comes next, on a machine of the same kind, goes on from the newest to the same bits.
 */
export class ResumableTraining {
  readonly #services: Services;
  readonly #task: TrainingTask;
  readonly #stored: StoredCheckpoints;
  readonly #fingerprint: string;
  readonly #directory: string;
  readonly #uploads: CheckpointUploads;
  #fetched: Checkpoint | undefined;
  #resumedSteps = 0;
  #mostSteps = 0;

  private constructor(services: Services, task: TrainingTask) {
    const { request, identity, input } = task;
    const training = trainingFingerprint(request, { ...identity, campaign: input.campaignId, codeVersion: input.codeVersion });
    this.#services = services;
    this.#task = task;
    this.#stored = new StoredCheckpoints(services.store, {
      prefix: manifestKeys.checkpoints(input.campaignId, training),
      machine: services.machine,
      codeVersion: input.codeVersion,
    });
    this.#fingerprint = `${training}-${machineKey(services.machine)}`;
    this.#directory = join(task.scratch, 'checkpoints');
    this.#uploads = new CheckpointUploads(this.#stored, (message, details) => {
      log.warn(message, details);
    });
  }

  /** Finds what other attempts left, and fetches it: before the language model is free. */
  static async prepare(services: Services, task: TrainingTask): Promise<ResumableTraining> {
    const training = new ResumableTraining(services, task);
    const stored = training.#stored;
    await stored.find();
    training.#mostSteps = stored.mostSteps;
    training.#fetched = await stored.fetchNewest(training.#directory, checkpointFileName, ({ message }) => {
      log.warn('a checkpoint is damaged and passed over', { message });
    });
    return training;
  }

  /** As `LanguageModel.fineTune`; progress names the newest checkpoint in the store. */
  async run(options: AdmittedOptions & { readonly onProgress: (progress: ComputeProgress) => void }): Promise<FineTuneResult> {
    const { request, input } = this.#task;
    const seconds = input.spec.limits.checkpointSeconds;
    const onProgress = ({ checkpoint: written, ...progress }: ComputeProgress): void => {
      if (written !== undefined) this.#uploads.take(written);
      const checkpoint = this.#uploads.newest ?? this.#fetched;
      options.onProgress({ ...progress, ...(checkpoint && { checkpoint }) });
    };
    const checkpoints = { directory: this.#directory, seconds, fingerprint: this.#fingerprint };
    try {
      const result = await this.#services.model.fineTune({ ...request, checkpoints }, { ...options, onProgress });
      this.#resumedSteps = result.resumedSteps ?? 0;
      return result;
    } finally {
      await this.#uploads.settle();
    }
  }

  /** Steps that this attempt took again, since the one before had taken them after its last checkpoint. */
  get redoneSteps(): number {
    return Math.max(0, Math.max(this.#mostSteps, this.#task.stepsBefore ?? 0) - this.#resumedSteps);
  }

  /** Why a training that had been under way began anew; undefined where it did not. */
  get startedOver(): string | undefined {
    if (this.#fetched !== undefined || this.#mostSteps === 0) return undefined;
    return this.#stored.onlyOthers ? 'checkpoints of another kind of machine' : 'no checkpoint was whole';
  }

  /** What was trained is committed. */
  discard(): Promise<void> {
    return this.#stored.discard();
  }
}
