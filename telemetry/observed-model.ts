import { failureClassOf } from '../campaign/failures';
import type { ComputeOptions, FineTuneResult, GenerateResult, LanguageModel } from '../campaign/language-model';
import { currentWork } from './current-work';
import type { Log } from './log';
import type { SealMeter } from './meter';
import type { WorkIds } from './work-ids';

/** A language model in a process that is replaced when it ends. */
export interface ProcessModel extends LanguageModel {
  /** Of the running process; undefined while none runs. */
  readonly pid: number | undefined;
}

/** A request to the process; `busy` while one is under way. */
export interface ObservedModel extends LanguageModel {
  readonly busy: boolean;
  /** Whose request the process has, for what it says on standard error. */
  readonly serving: WorkIds;
}

/** Why a process ended: the class of the failure, or its caller gave up, or nobody was there. */
const RESTART_REASONS = ['process-died', 'out-of-memory', 'stalled', 'cancelled', 'idle'] as const;
type RestartReason = (typeof RESTART_REASONS)[number];

/**
 * The same model, each of whose requests is measured, counted and traced under the work that asks for it, and whose process's ends are
 * counted by reason.
 */
export function observeModel(model: ProcessModel, meter: SealMeter, log: Log): ObservedModel {
  const observer = new ModelObserver(model, meter, log);
  return {
    get busy() {
      return observer.running > 0;
    },
    get serving() {
      return observer.serving;
    },
    describe: (directory, options) => observer.ask('describe', options, (own) => model.describe(directory, own)),
    fineTune: (request, options) => observer.ask('fineTune', options, (own) => model.fineTune(request, own), (result) => observer.trained(result)),
    generate: (request, options) => observer.ask('generate', options, (own) => model.generate(request, own), (result) => observer.generated(result)),
    score: (request, options) => observer.ask('score', options, (own) => model.score(request, own)),
    merge: (request, options) => observer.ask('merge', options, (own) => model.merge(request, own)),
    countTokens: (request, options) => observer.ask('countTokens', options, (own) => model.countTokens(request, own)),
    close: () => model.close(),
  };
}

class ModelObserver {
  running = 0;
  serving: WorkIds = {};
  /** The process that last answered. */
  #pid: number | undefined;

  constructor(
    private readonly model: ProcessModel,
    private readonly meter: SealMeter,
    private readonly log: Log,
  ) {
    // From zero, so that the first is an increase.
    for (const reason of RESTART_REASONS) meter.add('computeRestarts', 0, { reason });
  }

  async ask<Result>(
    method: string,
    options: ComputeOptions | undefined,
    request: (options: ComputeOptions | undefined) => Promise<Result>,
    then: (result: Result) => void = () => undefined,
  ): Promise<Result> {
    this.#noticeIdleEnd();
    const span = currentWork()?.span?.child(`compute ${method}`, { 'seal.method': method });
    const startedMs = performance.now();
    this.running += 1;
    this.serving = currentWork()?.ids ?? {};
    try {
      const result = await request(options);
      this.#pid = this.model.pid;
      this.#measure(method, startedMs, 'done');
      then(result);
      span?.end();
      return result;
    } catch (error) {
      this.#measure(method, startedMs, 'failed');
      this.#noticeEnd(error, options?.signal);
      span?.end(error);
      throw error;
    } finally {
      this.running -= 1;
    }
  }

  trained({ outcomes }: FineTuneResult): void {
    const tokens = outcomes.reduce((sum, outcome) => sum + (outcome.status === 'done' ? outcome.trainedTokens : 0), 0);
    this.meter.add('trainedTokens', tokens, { activity: activityName() });
  }

  generated({ generatedTokens }: GenerateResult): void {
    this.meter.add('generatedTokens', generatedTokens, { activity: activityName() });
  }

  #measure(method: string, startedMs: number, outcome: 'done' | 'failed'): void {
    this.meter.record('computeSeconds', (performance.now() - startedMs) / 1000, { activity: activityName(), method, outcome });
  }

  /** A request failed: whether its process ended with it. */
  #noticeEnd(error: unknown, signal: AbortSignal | undefined): void {
    const before = this.#pid;
    this.#pid = this.model.pid;
    const name = error instanceof Error ? error.name : '';
    const known = failureClassOf(name);
    if (known === 'process-died' || known === 'stalled') return this.#restarted(known);
    // It goes on where a request was dropped that still waited, and where the runtime could say that memory ran out.
    if (this.#pid !== undefined && (before === undefined || this.#pid === before)) return;
    if (known === 'out-of-memory') return this.#restarted(known);
    if (name !== 'ComputeCancelledError') return;
    const reason: unknown = signal?.reason;
    this.#restarted(reason instanceof Error && failureClassOf(reason.name) === 'stalled' ? 'stalled' : 'cancelled');
  }

  /** Nobody was told of a process that ended while it had nothing to do. */
  #noticeIdleEnd(): void {
    if (this.running > 0 || this.#pid === undefined || this.model.pid === this.#pid) return;
    this.#pid = undefined;
    this.#restarted('idle');
  }

  #restarted(reason: RestartReason): void {
    this.meter.add('computeRestarts', 1, { reason });
    this.log.warn('the compute process ended; the next request starts another', { reason });
  }
}

function activityName(): string {
  return currentWork()?.ids.activity ?? 'none';
}
