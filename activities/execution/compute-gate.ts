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
    return this.#slots.run(signal, begin);
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
