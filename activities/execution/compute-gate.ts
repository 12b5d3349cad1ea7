import { ComputeCancelledError } from '../../campaign/errors';
import type { ComputeOptions } from '../../campaign/language-model';
import { RequestSlots } from '../../endpoint/request-slots';
import { computeWait } from '../../telemetry/waiting-times';

/** A request to the language model took longer than `limits.activitySeconds`. Retryable. */
export class ComputeTimeoutError extends Error {
  override readonly name = 'ComputeTimeoutError';
  readonly code = 'COMPUTE_TIMEOUT';
}

export interface ComputeLimits {
  /** Of the whole request, from its admission. */
  readonly limitMs: number;
  /** Of silence: see ComputeOptions. */
  readonly stallMs: number;
}

/** What an admitted request passes on to the language model. */
export type AdmittedOptions = Required<Pick<ComputeOptions, 'signal' | 'stallMs'>>;

/**
 * Admits requests to the language model one at a time, in the order of arrival: whose turn it is the server has decided when it gave the
 * task to this worker, and few wait here (COMPUTE_SLOTS). The time limit of a request counts from its admission.
 */
export class ComputeGate {
  readonly #slots = new RequestSlots(1, {
    before: 'cancelled before it began',
    waiting: 'cancelled while waiting for the language model',
  });

  /**
   * Waits for its turn. Whoever is admitted disposes of the admission when the language model has answered.
   * @param limits the admission's signal aborts after `limitMs`
   * @throws ComputeCancelledError when `signal` aborts before
   */
  async admit(signal: AbortSignal, limits: ComputeLimits): Promise<Admission> {
    const admitted = computeWait();
    const slot = await this.#slots.acquire(signal);
    admitted();
    return new Admission(slot, signal, limits);
  }
}

/** A turn with the language model. */
export class Admission implements Disposable {
  readonly options: AdmittedOptions;
  readonly #slot: Disposable;
  readonly #signal: AbortSignal;
  readonly #limitMs: number;
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#controller.abort();
  readonly #timer: NodeJS.Timeout;
  #isTimedOut = false;

  constructor(slot: Disposable, signal: AbortSignal, { limitMs, stallMs }: ComputeLimits) {
    this.#slot = slot;
    this.#signal = signal;
    this.#limitMs = limitMs;
    this.options = { signal: this.#controller.signal, stallMs };
    signal.addEventListener('abort', this.#abort, { once: true });
    this.#timer = setTimeout(() => {
      this.#isTimedOut = true;
      this.#controller.abort(this.#timeout());
    }, limitMs);
  }

  /** @throws ComputeTimeoutError past the limit, or what `answer` rejects with */
  async settle<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await answer;
    } catch (error) {
      throw this.#isTimedOut && error instanceof ComputeCancelledError ? this.#timeout(error) : error;
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#abort);
    this.#slot[Symbol.dispose]();
  }

  #timeout(cause?: Error): ComputeTimeoutError {
    return new ComputeTimeoutError(`stopped after limits.activitySeconds = ${this.#limitMs / 1000}`, cause && { cause });
  }
}
