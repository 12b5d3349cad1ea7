import { join } from 'node:path';
import { log } from '@temporalio/activity';
import { type CampaignInput } from '../../campaign/campaign';
import { ComputeCancelledError } from '../../campaign/errors';
import type { Checkpoint, ComputeProgress, FineTuneOutcome, FineTuneRequest, FineTuneResult } from '../../campaign/language-model';
import { checkpointFileName } from '../../engine/files/checkpoint-files';
import { ComputeTimeoutError } from '../execution/compute-gate';
import { otherCode } from '../execution/computed-by';
import type { RecordedOptions } from '../execution/recorded-work';
import type { Services } from '../services';
import { CheckpointUploads } from './checkpoint-uploads';
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
 * whichever attempt comes next, on a machine of the same kind with the same code, goes on from the newest to the same bits.
 */
export class ResumableTraining {
  readonly #services: Services;
  readonly #task: TrainingTask;
  readonly #stored: StoredCheckpoints;
  readonly #fingerprint: string;
  readonly #directory: string;
  readonly #uploads: CheckpointUploads;
  #fetched: Checkpoint | undefined;
  #mostSteps = 0;
  #done = 0;
  #lostSteps = 0;

  private constructor(services: Services, task: TrainingTask) {
    const { request, identity, input } = task;
    const training = trainingFingerprint(request, { ...identity, campaign: input.campaignId, codeVersion: input.codeVersion });
    this.#services = services;
    this.#task = task;
    this.#stored = new StoredCheckpoints(services.store, {
      campaignId: input.campaignId,
      training,
      machine: services.machine,
      otherCode: otherCode(services, input),
      codeVersion: input.codeVersion,
    });
    this.#fingerprint = `${training}-${machineKey(services.machine, otherCode(services, input))}`;
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
  async run(options: RecordedOptions): Promise<FineTuneResult> {
    const { request, input } = this.#task;
    const seconds = input.spec.limits.checkpointSeconds;
    const onProgress = ({ checkpoint: written, ...progress }: ComputeProgress): void => {
      if (written !== undefined) this.#uploads.take(written);
      this.#done = progress.done;
      const checkpoint = this.#uploads.newest ?? this.#fetched;
      options.onProgress({ ...progress, ...(checkpoint && { checkpoint }) });
    };
    const checkpoints = { directory: this.#directory, seconds, fingerprint: this.#fingerprint };
    try {
      return await this.#services.model.fineTune({ ...request, checkpoints }, { ...options, onProgress });
    } catch (error) {
      await this.#uploads.settle();
      const kept = (this.#uploads.newest ?? this.#fetched)?.steps ?? 0;
      // Of what was cancelled nobody knows whether it will be done again; if so, whoever does it counts the steps.
      if (!(error instanceof ComputeCancelledError) || options.signal.reason instanceof ComputeTimeoutError) this.#lostSteps = Math.max(0, this.#done - kept);
      throw error;
    } finally {
      await this.#uploads.settle();
    }
  }

  /** Steps that this attempt takes again, since the one before had taken them after its last checkpoint. */
  get redoneSteps(): number {
    return Math.max(0, Math.max(this.#mostSteps, this.#task.stepsBefore ?? 0) - (this.#fetched?.steps ?? 0));
  }

  /** Why a training that had been under way began anew; undefined where it did not. */
  get startedOver(): string | undefined {
    if (this.#fetched !== undefined || this.#mostSteps === 0) return undefined;
    return this.#stored.onlyOthers ? 'checkpoints of another kind of machine, or of another version of the code' : 'no checkpoint was whole';
  }

  /** Steps that this attempt had taken after its last checkpoint when it failed: they will be taken again. */
  get lostSteps(): number {
    return this.#lostSteps;
  }

  /** What was trained is committed. */
  discard(): Promise<void> {
    return this.#stored.discard();
  }
}

/** Loss tokens that a job was trained on; those of a failed one are in no adapter. */
export function tokensOf(outcome: FineTuneOutcome): number {
  return outcome.status === 'done' ? outcome.trainedTokens : 0;
}
