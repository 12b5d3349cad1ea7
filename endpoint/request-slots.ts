import { ComputeCancelledError } from '../campaign/errors';

/** What a request hears that is cancelled before it came for a slot, or while it waited for one. */
export interface CancelledMessages {
  readonly before: string;
  readonly waiting: string;
}

/** Lets `size` requests run at once; the rest waits in the order of arrival. */
export class RequestSlots {
  #free: number;
  readonly #cancelled: CancelledMessages;
  readonly #waiting = new Set<() => void>();

  constructor(size: number, cancelled: CancelledMessages) {
    this.#free = size;
    this.#cancelled = cancelled;
  }

  /** A slot, which is free again once it is disposed of. @throws ComputeCancelledError when `signal` aborts before there is one */
  async acquire(signal: AbortSignal): Promise<Disposable> {
    await this.#slot(signal);
    return { [Symbol.dispose]: () => this.#release() };
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else next();
  }

  #slot(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(new ComputeCancelledError(this.#cancelled.before));
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const take = (): void => {
        this.#waiting.delete(take);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.delete(take);
        reject(new ComputeCancelledError(this.#cancelled.waiting));
      };
      this.#waiting.add(take);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
