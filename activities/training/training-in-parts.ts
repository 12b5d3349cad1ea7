import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { log } from '@temporalio/activity';
import type { ComputeProgress, FineTuneJob, FineTuneResult } from '../../campaign/language-model';
import type { Work } from '../../campaign/work';
import { type MemoryBound, memoryLineage, trainingParts } from '../execution/less-memory';
import type { RecordedOptions, RecordedWork } from '../execution/recorded-work';
import type { Services } from '../services';
import { ResumableTraining, tokensOf, type TrainingTask } from './resumable-training';

/** A training, computed in as many parts as its memory asks for, each of which can be resumed. */
export class TrainingInParts {
  /** As they are really trained, in order. */
  readonly jobs: readonly FineTuneJob[];
  /** For the lineage: how it was cut; nothing where all was computed at once. */
  readonly lineage: Readonly<Record<string, unknown>>;
  readonly #requests: readonly ResumableTraining[];

  private constructor(requests: readonly ResumableTraining[], jobs: readonly FineTuneJob[], lineage: Readonly<Record<string, unknown>>) {
    this.#requests = requests;
    this.jobs = jobs;
    this.lineage = lineage;
  }

  /** As `ResumableTraining.prepare`. */
  static async prepare(services: Services, task: TrainingTask & MemoryBound): Promise<TrainingInParts> {
    const { request, scratch, memoryParts = 1 } = task;
    const { requests, gradientCheckpointing } = trainingParts(request.jobs, request.gradientCheckpointing ?? false, memoryParts);
    if (memoryParts === 1) return new TrainingInParts([await ResumableTraining.prepare(services, task)], request.jobs, {});
    const lineage = { ...memoryLineage(task), requests: requests.length, gradientCheckpointing };
    log.warn('training with less memory at once', { ...lineage, accumulation: Math.max(...requests.flat().map(({ optimiser }) => optimiser.accumulation ?? 1)) });
    const prepared = await Promise.all(
      requests.map(async (jobs, i) => {
        const own = join(scratch, `request-${i + 1}`);
        await mkdir(own);
        const { stepsBefore, ...rest } = task;
        const steps = requests.length === 1 && stepsBefore !== undefined ? { stepsBefore } : {};
        return ResumableTraining.prepare(services, { ...rest, ...steps, scratch: own, request: { ...request, gradientCheckpointing, jobs } });
      }),
    );
    return new TrainingInParts(prepared, requests.flat(), lineage);
  }

  /** As `LanguageModel.fineTune`, one request after another. */
  async run(options: RecordedOptions): Promise<FineTuneResult> {
    let whole: FineTuneResult = { outcomes: [], seconds: 0 };
    let before = 0;
    for (const request of this.#requests) {
      let own = 0;
      const onProgress = ({ done, total, ...rest }: ComputeProgress): void => {
        own = total;
        options.onProgress({ ...rest, done: before + done, total: before + total });
      };
      const result = await request.run({ ...options, onProgress });
      whole = { ...result, outcomes: [...whole.outcomes, ...result.outcomes], seconds: whole.seconds + result.seconds };
      before += own;
    }
    return whole;
  }

  /** The training as work to be recorded. */
  asWork(work: Work): Pick<RecordedWork<FineTuneResult>, 'work' | 'compute' | 'costOf' | 'redoneSteps' | 'lostSteps' | 'note'> {
    const [startedOver] = this.#requests.flatMap((request) => request.startedOver ?? []);
    return {
      work,
      compute: (options) => this.run(options),
      costOf: ({ outcomes }) => ({ trainedTokens: outcomes.reduce((sum, outcome) => sum + tokensOf(outcome), 0) }),
      redoneSteps: this.#requests.reduce((sum, { redoneSteps }) => sum + redoneSteps, 0),
      lostSteps: () => this.#requests.reduce((sum, { lostSteps }) => sum + lostSteps, 0),
      ...(startedOver === undefined ? {} : { note: `started over: ${startedOver}` }),
    };
  }

  /** What was trained is committed. */
  async discard(): Promise<void> {
    await Promise.all(this.#requests.map((request) => request.discard()));
  }
}
