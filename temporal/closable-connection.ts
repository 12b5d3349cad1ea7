import { Connection } from '@temporalio/client';

/** How long a connection that is being closed may still be waited for. */
const SLICE_MS = 200;

/**
 * A connection that ends with `close`, also while somebody waits for it. gRPC (grpc-js 1.14) revives a channel that is closed while it is
 * waited for, which then goes on trying, and keeps the process alive, until the deadline: so it is waited for little by little.
 */
export class ClosableConnection extends Connection {
  #isClosing = false;
  #waiting: Promise<void> = Promise.resolve();

  protected override untilReady(deadline: number): Promise<void> {
    this.#waiting = this.#littleByLittle(deadline);
    return this.#waiting;
  }

  async #littleByLittle(deadline: number): Promise<void> {
    for (;;) {
      try {
        return await super.untilReady(Math.min(deadline, Date.now() + SLICE_MS));
      } catch (error) {
        if (this.#isClosing || Date.now() >= deadline) throw error;
      }
    }
  }

  override async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled([this.#waiting]);
    await super.close();
  }
}
