import { CancellationScope, getExternalWorkflowHandle, isCancellation, log, setHandler, workflowInfo } from '@temporalio/workflow';
import { type Advance, advanceSignal, retryFailedSignal, steerSignal, type Steering } from '../messages';

/** News to the campaign an epoch, at most: each costs a few events in both histories. */
const REPORTS = 25;

/** The counters of an epoch or evaluation, told to the campaign now and then. */
export class ChildProgress {
  #counts: Advance = { running: 0, done: 0, failed: 0, rejected: 0, phase: '' };
  #finishedWhenTold = 0;
  #telling: Promise<void> | null = null;
  #news = false;
  readonly #stride: number;

  /**
   * @param planned candidates (or groups) that will finish in all
   * @param before counts of an earlier run. @default nothing has finished
   */
  constructor(planned: number, before?: Advance) {
    if (before !== undefined) this.#counts = { ...before, running: 0 };
    this.#stride = Math.max(1, Math.ceil(planned / REPORTS));
  }

  get counts(): Advance {
    return this.#counts;
  }

  /** Candidates that had failed are to be done again. */
  retrying(count: number): void {
    this.#counts = { ...this.#counts, failed: this.#counts.failed - count };
  }

  phase(phase: string): void {
    this.#counts = { ...this.#counts, phase };
    this.#tell();
  }

  started(count = 1): void {
    this.#counts = { ...this.#counts, running: this.#counts.running + count };
  }

  finished(status: 'done' | 'failed' | 'rejected', count = 1): void {
    const counts = { ...this.#counts, running: this.#counts.running - count };
    this.#counts = { ...counts, [status]: counts[status] + count };
    const { done, failed, rejected } = this.#counts;
    if (done + failed + rejected - this.#finishedWhenTold >= this.#stride) this.#tell();
  }

  /** Waits for what is on its way, so that no signal outlives the workflow. */
  async settled(): Promise<void> {
    await this.#telling;
  }

  /** One message is on its way at a time; what happens meanwhile goes with the next, as it then stands. */
  #tell(): void {
    const { parent } = workflowInfo();
    if (parent === undefined) return;
    const { done, failed, rejected } = this.#counts;
    this.#finishedWhenTold = done + failed + rejected;
    this.#news = true;
    this.#telling ??= this.#tellAll(parent.workflowId);
  }

  async #tellAll(parentId: string): Promise<void> {
    while (this.#news) {
      this.#news = false;
      await tellParent(parentId, this.#counts);
    }
    this.#telling = null;
  }
}

async function tellParent(parentId: string, counts: Advance): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() => getExternalWorkflowHandle(parentId).signal(advanceSignal, counts));
  } catch (error) {
    if (isCancellation(error)) throw error;
    // Progress is a courtesy: a campaign that is gone needs none.
    log.warn('the campaign could not be told of progress', { parentId, error });
  }
}

/** Listens to the campaign's steering, from what it was at the start. */
export function listenForSteering(initial: Steering): () => Steering {
  let current = initial;
  setHandler(steerSignal, (steering) => {
    current = steering;
  });
  return () => current;
}

/** Numbers of the operator's requests that failed candidates be tried again. */
export interface RetriesState {
  /** The last one that was heard; 0 for none. */
  readonly heard: number;
  /** The last one after which failed candidates were tried again. */
  readonly served: number;
}

/** Hears an operator's requests that failed candidates be tried again. */
export class RetryRequests {
  #heard: number;
  #served: number;

  /** @param before what an earlier run heard and served. @default nothing */
  constructor({ heard, served }: RetriesState = { heard: 0, served: 0 }) {
    this.#heard = heard;
    this.#served = served;
    setHandler(retryFailedSignal, (request) => {
      this.#heard = Math.max(this.#heard, request);
    });
  }

  get isOpen(): boolean {
    return this.#heard > this.#served;
  }

  get served(): number {
    return this.#served;
  }

  get state(): RetriesState {
    return { heard: this.#heard, served: this.#served };
  }

  /** Failed candidates are tried again now. */
  serve(): void {
    this.#served = this.#heard;
  }
}
