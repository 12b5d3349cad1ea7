import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { decode as utf8, encode as bytesOf } from '@temporalio/common/lib/encoding';
import { temporal } from '@temporalio/proto';
import { BadInputError } from '../../campaign/errors';
import type { EncryptionKey, KeyRing } from './key-ring';

const { Payload: PayloadMessage } = temporal.api.common.v1;

const ENCODING = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NODE_CIPHER = 'aes-256-gcm';
/** 96 bits, the size that GCM is made for; random, so that one key is good for some billions of payloads. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const METADATA = { cipher: 'encryption-cipher', keyId: 'encryption-key-id', keyCheck: 'encryption-key-check' } as const;

/** An encrypted payload that its own key does not open: its bytes, or what stands beside them, were changed. */
export class PayloadTamperedError extends Error {
  override readonly name = 'PayloadTamperedError';
  readonly code = 'PAYLOAD_TAMPERED';
}

/**
 * Encrypts whole payloads, their own metadata included: `nonce | ciphertext | tag`, beside the key's id. What stands in the clear is authenticated with
 * it. Payloads that were never encrypted are passed through when they are read: those of campaigns that began without keys.
 */
export class EncryptionCodec implements PayloadCodec {
  #ring: KeyRing;
  readonly #reread: () => KeyRing;

  /** @param reread the keys as they are now; asked once more before an id counts as unknown, so that a running worker learns of new keys */
  constructor(ring: KeyRing, reread: () => KeyRing = () => ring) {
    this.#ring = ring;
    this.#reread = reread;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { active } = this.#ring;
    return Promise.resolve(active === null ? payloads : payloads.map((payload) => encrypted(payload, active)));
  }

  /**
   * @throws BadInputError naming the id of a key that is not there or is another one; PayloadTamperedError
   */
  // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown must reject, as the interface says
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decrypted(payload) : payload));
  }

  #decrypted(payload: Payload): Payload {
    const id = textOf(payload, METADATA.keyId);
    const key = this.#keyOf(id, textOf(payload, METADATA.keyCheck));
    const data = Buffer.from(payload.data ?? []);
    if (data.length < NONCE_BYTES + TAG_BYTES) throw tampered(id);
    const decipher = createDecipheriv(NODE_CIPHER, key.bytes, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(authenticated(payload.metadata ?? {}));
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    try {
      return PayloadMessage.decode(Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]));
    } catch (cause) {
      throw tampered(id, cause);
    }
  }

  #keyOf(id: string, check: string): EncryptionKey {
    const known = this.#ring.keys.get(id);
    if (known?.check !== check) this.#ring = this.#reread();
    const key = this.#ring.keys.get(id);
    if (key?.check === check) return key;
    throw new BadInputError({
      where: this.#ring.where,
      expected: `the key ${JSON.stringify(id)} that this payload was encrypted with`,
      got: key !== undefined ? 'another key of that name' : this.#ring.active === null ? 'no keys' : `the keys ${[...this.#ring.keys.keys()].join(', ')}`,
    });
  }
}

export function isEncrypted(payload: Payload): boolean {
  return textOf(payload, 'encoding') === ENCODING;
}

function encrypted(payload: Payload, key: EncryptionKey): Payload {
  const metadata = {
    encoding: bytesOf(ENCODING),
    [METADATA.cipher]: bytesOf(CIPHER),
    [METADATA.keyId]: bytesOf(key.id),
    [METADATA.keyCheck]: bytesOf(key.check),
  };
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(NODE_CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticated(metadata));
  const plain = PayloadMessage.encode(payload).finish();
  const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { metadata, data: new Uint8Array(data) };
}

/** Every metadata entry, in order of its name: none can be changed, added or left out. */
function authenticated(metadata: Readonly<Record<string, Uint8Array>>): Buffer {
  const names = Object.keys(metadata).sort();
  return Buffer.from(JSON.stringify(names.map((name) => [name, Buffer.from(metadata[name] ?? []).toString('base64')])));
}

function textOf({ metadata }: Payload, name: string): string {
  const value = metadata?.[name];
  return value === undefined ? '' : utf8(value);
}

function tampered(id: string, cause?: unknown): PayloadTamperedError {
  return new PayloadTamperedError(`a payload encrypted with the key ${JSON.stringify(id)} has been changed since: it cannot be trusted`, { cause });
}
