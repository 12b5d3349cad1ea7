import type { Payload, PayloadCodec } from '@temporalio/common';

/** Watches how large the payloads are that a worker writes, and leaves them as they are. */
export class PayloadSizes implements PayloadCodec {
  /** Bytes. */
  largest = 0;

  encode(payloads: Payload[]): Promise<Payload[]> {
    for (const { data } of payloads) this.largest = Math.max(this.largest, data?.length ?? 0);
    return Promise.resolve(payloads);
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads);
  }
}
