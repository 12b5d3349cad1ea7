import { finished, Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';

/**
 * Lets no more requests begin than there are sockets; others wait their turn before anything is made of them. Given to the agent, they would wait
 * there signed for a time that passes and with the clock of their connection running, and a server that is only busy would count as unreachable.
 */
export function boundRequests(s3: S3Client, sockets: number): void {
  const slots = new Slots(sockets);
  s3.middlewareStack.add(
    <Args, Result extends { readonly output: object }>(next: (args: Args) => Promise<Result>) => async (args: Args): Promise<Result> => {
      await slots.take();
      try {
        const result = await next(args);
        const body: unknown = 'Body' in result.output ? result.output.Body : undefined;
        // An object's bytes hold the socket until they are read, or nobody wants them.
        if (body instanceof Readable) finished(body, () => slots.giveBack());
        else slots.giveBack();
        return result;
      } catch (error) {
        slots.giveBack();
        throw error;
      }
    },
    { name: 'boundRequests', step: 'initialize', priority: 'high' },
  );
}

/** A number of places, given in the order of asking. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
