/** A moment by both clocks: one stands still while the machine sleeps, the other may be set. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

function now(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/**
 * How long a process has been silent while somebody listened. A listener who was away himself, because the machine slept, the process was
 * stopped or it got no processor, has heard nothing and knows nothing: then the count begins anew.
 */
export class Silence {
  #last: Moment | null = null;
  #silentMs = 0;

  /** @param longestGapMs two looks that lie further apart, by either clock, say that the listener was away */
  constructor(private readonly longestGapMs: number) {}

  /**
   * One look.
   * @param answered whether there was a sign of life since the look before
   * @returns for how long there has been none, milliseconds
   */
  look(answered: boolean, moment: Moment = now()): number {
    const gapMs =
      this.#last === null ? 0 : Math.max(moment.monotonicMs - this.#last.monotonicMs, Math.abs(moment.wallMs - this.#last.wallMs));
    this.#last = moment;
    this.#silentMs = answered || gapMs > this.longestGapMs ? 0 : this.#silentMs + gapMs;
    return this.#silentMs;
  }
}
