import { ApplicationFailure, type Payload, type PayloadCodec } from '@temporalio/common';
import { BadInputError } from '../campaign/errors';
import type { Log } from '../telemetry/log';
import type { SealMeter } from '../telemetry/meter';

/**
 * Fails the task, and nothing else, where a payload needs a key that this worker does not have. The server gives a workflow's task out again by
 * itself, whatever it failed with; an activity's only if the failure is none that the campaign knows as final, which bad input is.
 */
export class AlertingCodec implements PayloadCodec {
  readonly #codec: PayloadCodec;
  readonly #alert: (reason: BadInputError) => void;

  constructor(codec: PayloadCodec, alert: (reason: BadInputError) => void) {
    this.#codec = codec;
    this.#alert = alert;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return this.#codec.encode(payloads);
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    try {
      return await this.#codec.decode(payloads);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      this.#alert(error);
      throw ApplicationFailure.retryable(error.message, 'KeyMissingError');
    }
  }
}

const SAID_EVERY_MS = 60_000;

/** Counts payloads without their key, and says which key is missing once a minute: each task comes back. */
export function keyAlert(log: Pick<Log, 'error'>, meter: SealMeter): (reason: BadInputError) => void {
  // An alert needs to see it grow.
  meter.add('missingKeys', 0);
  let saidMs = Number.NEGATIVE_INFINITY;
  return (reason) => {
    meter.add('missingKeys', 1);
    if (performance.now() - saidMs < SAID_EVERY_MS) return;
    saidMs = performance.now();
    log.error(`a task fails and is given out again, to a worker that has its key: ${reason.message}`);
  };
}
