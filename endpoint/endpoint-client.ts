/** Asks one endpoint: bounded concurrency, time limits, repetition of what may pass, one clear line about what does not. */
import { setTimeout as timerSleep } from 'node:timers/promises';
import type { EndpointAnswer, EndpointRequest, EndpointSettings, TextEndpoint } from '../campaign/endpoint';
import { BadInputError, ComputeCancelledError, EndpointFailedError, MachineUnableError } from '../campaign/errors';
import type { ApiKey } from './api-key';
import { attempt } from './attempt';
import { RequestSlots } from './request-slots';
import { COMMON_DIALECT, type Dialect, mayLoseTemperature, type RefusedParameter, requestUrl } from './wire-format';

/** How patient a client is, and its clock; tests have others. */
export interface EndpointBounds {
  readonly nowMs: () => number;
  /** Rejects when `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** First wait without a `Retry-After`; it doubles with every further attempt. */
  readonly backOffMs: number;
  /** No wait is longer. */
  readonly maximumBackOffMs: number;
  /** Who asks for more patience than this has failed: better the activity's own retries than a worker asleep. */
  readonly maximumRetryAfterMs: number;
  /** Of an answer, unpacked. */
  readonly maximumBodyBytes: number;
}

export const DEFAULT_ENDPOINT_BOUNDS: EndpointBounds = {
  nowMs: Date.now,
  sleep: (ms, signal) => timerSleep(ms, undefined, { signal }),
  backOffMs: 1_000,
  maximumBackOffMs: 60_000,
  maximumRetryAfterMs: 600_000,
  // Many times the longest self-edit, and little enough for every request of a worker at once.
  maximumBodyBytes: 8 * 2 ** 20,
};

export class EndpointClient implements TextEndpoint {
  readonly #where: string;
  readonly #settings: EndpointSettings;
  readonly #key: ApiKey;
  readonly #bounds: EndpointBounds;
  readonly #slots: RequestSlots;
  /** Found by asking, and kept for all later requests. */
  #dialect: Dialect = COMMON_DIALECT;
  /** Asked to wait, everyone waits: others would only be told the same. */
  #quietUntilMs = 0;

  /** @param where the section of the campaign file, for messages */
  constructor(where: string, settings: EndpointSettings, key: ApiKey, bounds: EndpointBounds = DEFAULT_ENDPOINT_BOUNDS) {
    this.#where = where;
    this.#settings = settings;
    this.#key = key;
    this.#bounds = bounds;
    this.#slots = new RequestSlots(settings.concurrency, {
      before: 'cancelled before the endpoint was asked',
      waiting: 'cancelled while waiting for the endpoint',
    });
  }

  async ask(request: EndpointRequest, signal: AbortSignal): Promise<EndpointAnswer> {
    try {
      using _slot = await this.#slots.acquire(signal);
      return await this.#askUntilAnswered(request, signal);
    } catch (cause) {
      if (signal.aborted) throw new ComputeCancelledError('cancelled while the endpoint was asked', { cause });
      throw cause;
    }
  }

  async #askUntilAnswered(request: EndpointRequest, signal: AbortSignal): Promise<EndpointAnswer> {
    const { retries } = this.#settings;
    const { nowMs, sleep, maximumRetryAfterMs } = this.#bounds;
    for (let failures = 0; ; ) {
      const quietMs = this.#quietUntilMs - nowMs();
      if (quietMs > 0) await sleep(quietMs, signal);
      const result = await attempt(this.#settings, this.#key, request, this.#dialect, signal, this.#bounds);
      if (result.kind === 'answered') return result.answer;
      if (result.kind === 'refused') throw this.#refusal(result);
      if (result.kind === 'unsupported') {
        // What is left out now is not sent, so not refused, again: no request comes here more than twice.
        this.#adapt(request, result);
        continue;
      }
      failures += 1;
      if (failures > retries) throw this.#failure(`${failures} attempts, the last: ${result.said}`);
      if (result.waitMs === null || result.waitMs === 0) {
        await sleep(this.#backOffMs(failures), signal);
      } else if (result.waitMs > maximumRetryAfterMs) {
        throw this.#failure(`${result.said}; asks to be left alone for ${Math.round(result.waitMs / 1000)} s`);
      } else {
        this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs() + result.waitMs);
      }
    }
  }

  /** @throws BadInputError where the campaign's own temperature would be lost */
  #adapt(request: EndpointRequest, { parameter, said }: { readonly parameter: RefusedParameter; readonly said: string }): void {
    if (parameter === 'max_tokens') {
      this.#dialect = { ...this.#dialect, tokenLimit: 'max_completion_tokens' };
    } else if (mayLoseTemperature(request)) {
      this.#dialect = { ...this.#dialect, takesTemperature: false };
    } else {
      const { model } = this.#settings;
      throw new BadInputError({
        where: request.temperatureField ?? this.#place(),
        expected: `a temperature that ${model} at ${requestUrl(this.#settings)} takes, as most likely 1`,
        got: `${request.temperature}, refused with ${said}`,
      });
    }
  }

  #backOffMs(failures: number): number {
    return Math.min(this.#bounds.maximumBackOffMs, this.#bounds.backOffMs * 2 ** (failures - 1));
  }

  /** Another machine may have a better key. */
  #refusal({ said, isKeyRefused = false }: { readonly said: string; readonly isKeyRefused?: boolean }): BadInputError {
    const detail = { where: this.#place(), expected: 'an answer', got: said };
    return isKeyRefused ? new MachineUnableError(detail) : new BadInputError(detail);
  }

  #failure(said: string): EndpointFailedError {
    return new EndpointFailedError(`${this.#place()}: no usable answer: ${said}`);
  }

  #place(): string {
    return `${this.#where}: ${this.#settings.model} at ${requestUrl(this.#settings)}`;
  }
}
