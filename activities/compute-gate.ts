import { ComputeCancelledError } from '../contracts/errors';
import { RequestSlots } from '../endpoint/request-slots';
import { computeWait } from '../telemetry/waiting-times';

/** A request to the language model took longer than `limits.activitySeconds`. Retryable. */
export class ComputeTimeoutError extends Error {
  override readonly name = 'ComputeTimeoutError';
  readonly code = 'COMPUTE_TIMEOUT';
}

/**
 * Admits requests to the language model in the order of their arrival, `concurrency` at a time. The time limit of a
 * request counts from its admission, so that a long queue never looks like a hanging computation.
 */
export class ComputeGate {
  readonly #slots: RequestSlots;

  constructor(concurrency: number) {
    this.#slots = new RequestSlots(concurrency, {
      before: 'cancelled before it began',
      waiting: 'cancelled while waiting for the language model',
    });
  }

  /**
   * @param limitMs aborts the work's signal after this long
   * @throws ComputeCancelledError when `signal` aborts, ComputeTimeoutError past the limit, or what `work` throws
   */
  run<Result>(
    signal: AbortSignal,
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const admitted = computeWait();
    return this.#slots.run(signal, () => {
      admitted();
      return this.#withinLimit(signal, limitMs, work);
    });
  }

  async #withinLimit<Result>(signal: AbortSignal, limitMs: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal.addEventListener('abort', abort, { once: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort(new ComputeTimeoutError(`stopped after limits.activitySeconds = ${limitMs / 1000}`));
    }, limitMs);
    try {
      return await work(controller.signal);
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
