import { ComputeCancelledError } from '../contracts/errors';
import { ANY_TURN, FairLine, type Turn } from './fair-line';

/** What a request hears that is cancelled before it came for a slot, or while it waited for one. */
export interface CancelledMessages {
  readonly before: string;
  readonly waiting: string;
}

/** Lets `size` requests run at once; the rest waits for its turn. */
export class RequestSlots {
  #free: number;
  readonly #cancelled: CancelledMessages;
  readonly #waiting = new FairLine<() => void>();

  constructor(size: number, cancelled: CancelledMessages) {
    this.#free = size;
    this.#cancelled = cancelled;
  }

  /**
   * @param turn whose turn it is when a slot is free. @default the order of arrival
   * @throws ComputeCancelledError when `signal` aborts before there is a slot, or what `work` throws
   */
  async run<Result>(signal: AbortSignal, work: () => Promise<Result>, turn: Turn = ANY_TURN): Promise<Result> {
    await this.#slot(signal, turn);
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #slot(signal: AbortSignal, turn: Turn): Promise<void> {
    if (signal.aborted) return Promise.reject(new ComputeCancelledError(this.#cancelled.before));
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
        this.#waiting.remove(take);
        reject(new ComputeCancelledError(this.#cancelled.waiting));
      };
      this.#waiting.push(take, turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
