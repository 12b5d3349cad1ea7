import type { Checkpoint } from '../../campaign/language-model';
import type { StoredCheckpoints } from './stored-checkpoints';

/** Brings checkpoints to the store while the computation goes on: one at a time, and of what is written meanwhile the newest only. */
export class CheckpointUploads {
  readonly #stored: StoredCheckpoints;
  readonly #warn: (message: string, details: Readonly<Record<string, unknown>>) => void;
  #underWay: Promise<void> = Promise.resolve();
  #waiting: Checkpoint | null = null;
  #newest: Checkpoint | undefined;

  /** @param warn told of a checkpoint that could not be stored: the computation matters more, and the next one may find the store well */
  constructor(stored: StoredCheckpoints, warn: (message: string, details: Readonly<Record<string, unknown>>) => void) {
    this.#stored = stored;
    this.#warn = warn;
  }

  /** The newest that is in the store, by its manifest's key. */
  get newest(): Checkpoint | undefined {
    return this.#newest;
  }

  /** @param written a file that does not change */
  take(written: Checkpoint): void {
    const isIdle = this.#waiting === null;
    this.#waiting = written;
    if (isIdle) this.#underWay = this.#underWay.then(() => this.#upload());
  }

  /** Lets what waits go, and waits for what is on its way. */
  async settle(): Promise<void> {
    this.#waiting = null;
    await this.#underWay;
  }

  async #upload(): Promise<void> {
    const written = this.#waiting;
    this.#waiting = null;
    if (written === null) return;
    try {
      this.#newest = await this.#stored.publish(written);
    } catch (error) {
      // Where two more were written before its turn came, its writer has removed it.
      this.#warn('a checkpoint could not be stored', { steps: written.steps, error });
    }
  }
}
