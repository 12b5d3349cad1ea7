/** Remembers the last `capacity` results by key; work under way is shared, failures are forgotten. */
export class Remembered<Result> {
  readonly #capacity: number;
  readonly #results = new Map<string, Promise<Result>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string, make: () => Promise<Result>): Promise<Result> {
    const known = this.#results.get(key);
    if (known !== undefined) {
      // Last used, last to go.
      this.#results.delete(key);
      this.#results.set(key, known);
      return known;
    }
    const made = make();
    this.#results.set(key, made);
    made.catch(() => this.#results.delete(key));
    const oldest = this.#results.keys().next().value;
    if (this.#results.size > this.#capacity && oldest !== undefined) this.#results.delete(oldest);
    return made;
  }
}
