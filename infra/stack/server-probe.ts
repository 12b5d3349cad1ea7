import type { HangLimit } from '../../settings/hang-limit';
import { Silence } from './silence';

/** Asks one process, again and again, whether it answers. A process that hangs without ending does not. */
export class ServerProbe {
  readonly #silence: Silence;
  #asking = false;
  #nextMs = 0;
  #silentMs = 0;

  /** @param ask one question, answered within the limit's patience */
  constructor(
    private readonly ask: () => Promise<boolean>,
    private readonly limit: HangLimit,
  ) {
    // An answer that was waited for in vain, and the pause after it, on a machine that has others to serve too.
    this.#silence = new Silence(2 * (limit.everyMs + limit.patienceMs));
  }

  /** For how long it has not answered, as far as is known. */
  get silentMs(): number {
    return this.#silentMs;
  }

  /** Asks again when it is time, without waiting for the answer. @returns whether it has been silent for too long */
  hangs(): boolean {
    if (!this.#asking && performance.now() >= this.#nextMs) void this.#look();
    return this.#silentMs >= this.limit.silenceMs;
  }

  async #look(): Promise<void> {
    this.#asking = true;
    this.#silentMs = this.#silence.look(await this.ask());
    this.#nextMs = performance.now() + this.limit.everyMs;
    this.#asking = false;
  }
}
