import { ComputeCancelledError } from '../../contracts/errors';
import type { ComputeOptions } from '../../contracts/language-model';
import { ANY_TURN, type Turn } from '../../endpoint/fair-line';
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
 * Admits requests to the language model, `concurrency` at a time: those of urgent campaigns first, campaigns of one priority in
 * rotation, a campaign's own in the order of their arrival. What runs is not interrupted, and no result depends on the order.
 * The time limit of a request counts from its admission, so that a long queue never looks like a hanging computation.
 */
export class ComputeGate {
  readonly #slots: RequestSlots;
  readonly #turnOf: () => Turn;

  /** @param turnOf the turn of whoever asks. @default the order of arrival */
  constructor(concurrency: number, turnOf: () => Turn = () => ANY_TURN) {
    this.#turnOf = turnOf;
    this.#slots = new RequestSlots(concurrency, {
      before: 'cancelled before it began',
      waiting: 'cancelled while waiting for the language model',
    });
  }

  /**
   * @param limits its signal aborts after `limitMs`
   * @throws ComputeCancelledError when `signal` aborts, ComputeTimeoutError past the limit, or what `work` throws
   */
  run<Result>(
    signal: AbortSignal,
    limits: ComputeLimits,
    work: (admitted: AdmittedOptions) => Promise<Result>,
  ): Promise<Result> {
    const admitted = computeWait();
    const begin = (): Promise<Result> => {
      admitted();
      return this.#withinLimit(signal, limits, work);
    };
    return this.#slots.run(signal, begin, this.#turnOf());
  }

  async #withinLimit<Result>(signal: AbortSignal, { limitMs, stallMs }: ComputeLimits, work: (admitted: AdmittedOptions) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal.addEventListener('abort', abort, { once: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort(new ComputeTimeoutError(`stopped after limits.activitySeconds = ${limitMs / 1000}`));
    }, limitMs);
    try {
      return await work({ signal: controller.signal, stallMs });
    } catch (error) {
      if (timedOut && error instanceof ComputeCancelledError) {
        throw new ComputeTimeoutError(`stopped after limits.activitySeconds = ${limitMs / 1000}`, { cause: error });
      }
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}
