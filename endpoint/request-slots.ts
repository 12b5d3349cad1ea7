import { ComputeCancelledError } from '../contracts/errors';

/** Lets `size` requests run at once; the rest waits in the order of arrival. */
export class RequestSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** @throws ComputeCancelledError when `signal` aborts before there is a slot, or what `work` throws */
  async run<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
    await this.#slot(signal);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #slot(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new ComputeCancelledError('cancelled before the endpoint was asked'));
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const take = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(new ComputeCancelledError('cancelled while waiting for the endpoint'));
      };
      this.#waiting.push(take);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
