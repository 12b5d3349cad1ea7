import { ComputeCancelledError } from '../contracts/errors';

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
  readonly #concurrency: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /**
   * @param limitMs aborts the work's signal after this long
   * @throws ComputeCancelledError when `signal` aborts, ComputeTimeoutError past the limit, or what `work` throws
   */
  async run<Result>(
    signal: AbortSignal,
    limitMs: number,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    await this.#admission(signal);
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal.addEventListener('abort', abort, { once: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      controller.abort();
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
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Resolves holding a place; a cancelled waiter leaves the queue without one. */
  #admission(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new ComputeCancelledError('cancelled before it began'));
    if (this.#running < this.#concurrency) {
      this.#running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', leave);
        this.#running += 1;
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admit), 1);
        reject(new ComputeCancelledError('cancelled while waiting for the language model'));
      };
      this.#waiting.push(admit);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
