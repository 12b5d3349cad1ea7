import type { Payload, PayloadCodec } from '@temporalio/common';
import { BadInputError } from '../contracts/errors';

/**
 * Ends the worker where a payload needs a key that it does not have. Thrown, the error would count as a failed attempt of a job that is in order, and
 * use up its retries; unanswered, the server gives it to another worker, or to this one once its keys are right.
 */
export class HaltingCodec implements PayloadCodec {
  readonly #codec: PayloadCodec;
  readonly #halt: (reason: BadInputError) => void;

  constructor(codec: PayloadCodec, halt: (reason: BadInputError) => void) {
    this.#codec = codec;
    this.#halt = halt;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return this.#codec.encode(payloads);
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    try {
      return await this.#codec.decode(payloads);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      this.#halt(error);
      return new Promise(() => undefined);
    }
  }
}
