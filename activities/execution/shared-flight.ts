import { ComputeCancelledError } from '../../contracts/errors';

interface Flight {
  readonly result: Promise<unknown>;
  readonly controller: AbortController;
  passengers: number;
  readonly listeners: Set<(progress: unknown) => void>;
}

/**
 * Work that several callers want at the same time and that runs once. It belongs to none of them: a caller that is
 * cancelled leaves, the work goes on for the others, and only when the last one has left is it aborted. So the candidate
 * that happened to start a group's computation can be cancelled without harm to the rest of its group.
 */
export class SharedFlights {
  readonly #flights = new Map<string, Flight>();

  /** Whether the work called `key` is under way. */
  underWay(key: string): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the work called `key`, starting it where it is not under way.
   *
   * @param signal leaves the flight
   * @throws ComputeCancelledError when `signal` aborts: of the last one aboard once the aborted work has ended and tidied up; or what the work throws (to everyone aboard)
   */
  async join<Result, Progress>(
    key: string,
    options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
    work: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<Result>,
  ): Promise<Result> {
    const { signal } = options;
    if (signal.aborted) throw new ComputeCancelledError('cancelled before it began');
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    const listener = options.onProgress as (progress: unknown) => void;
    flight.listeners.add(listener);
    flight.passengers += 1;
    let leave: (() => void) | undefined;
    const cancelled = new Promise<never>((_, reject) => {
      leave = () => reject(new ComputeCancelledError('cancelled'));
      signal.addEventListener('abort', leave, { once: true });
    });
    try {
      return (await Promise.race([flight.result, cancelled])) as Result;
    } finally {
      if (leave !== undefined) signal.removeEventListener('abort', leave);
      flight.listeners.delete(listener);
      flight.passengers -= 1;
      if (flight.passengers === 0) {
        // Whoever comes now starts anew instead of boarding work that is being aborted.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort();
        // Everybody has left or has been told: how it ends concerns nobody any more.
        await flight.result.catch(() => undefined);
      }
    }
  }

  #start<Result, Progress>(
    key: string,
    work: (signal: AbortSignal, report: (progress: Progress) => void) => Promise<Result>,
  ): Flight {
    const controller = new AbortController();
    const listeners = new Set<(progress: unknown) => void>();
    const report = (progress: Progress): void => listeners.forEach((listener) => listener(progress));
    const result = work(controller.signal, report).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    // Everyone aboard may have left before the aborted work ends: its rejection then has no other handler.
    result.catch(() => undefined);
    const flight: Flight = { result, controller, passengers: 0, listeners };
    this.#flights.set(key, flight);
    return flight;
  }
}
