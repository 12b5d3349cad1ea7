/** What arrived while this process itself was held up is read within this long. */
const GRACE_MS = 1000;

/**
 * Calls `onStall` once nothing has been heard for `limitMs`. An overdue timer fires before what waits to be read, so that whoever was
 * stopped for a while reads first and judges then.
 */
export class StallWatch {
  readonly #limit: NodeJS.Timeout;
  #grace: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onStall: () => void) {
    this.#limit = setTimeout(() => {
      this.#grace = setTimeout(onStall, GRACE_MS);
    }, limitMs);
  }

  heard(): void {
    clearTimeout(this.#grace);
    this.#limit.refresh();
  }

  end(): void {
    clearTimeout(this.#grace);
    clearTimeout(this.#limit);
  }
}
