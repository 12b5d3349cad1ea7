import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { BadInputError } from '../../campaign/errors';

/** Of AES-256. */
export const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const CHECK_DIGITS = 16;

/** What a file of keys, or `SEAL_CODEC_KEYS` itself, holds. */
const keyDocumentSchema = z.strictObject({ active: z.string(), keys: z.record(z.string(), z.string()) });
export type KeyDocument = z.infer<typeof keyDocumentSchema>;

export interface EncryptionKey {
  readonly id: string;
  readonly bytes: Buffer;
  /** Tells two keys of one name apart, and nothing about either. */
  readonly check: string;
}

/** The keys by their ids, and the one that is written with. */
export interface KeyRing {
  /** Where they come from, for messages. */
  readonly where: string;
  /** Null: nothing is encrypted. */
  readonly active: EncryptionKey | null;
  readonly keys: ReadonlyMap<string, EncryptionKey>;
}

/** No keys: payloads are written as they are, and encrypted ones cannot be read. */
export const NO_KEYS: KeyRing = { where: 'SEAL_CODEC_KEYS', active: null, keys: new Map() };

/**
 * @param where the file, or the variable, for messages; no message ever holds a key
 * @throws BadInputError
 */
export function keyRing(where: string, document: unknown): KeyRing {
  const { active, keys: encoded } = parsedDocument(where, document);
  const keys = new Map(Object.entries(encoded).map(([id, text]) => [id, encryptionKey(where, id, text)]));
  const chosen = keys.get(active);
  if (chosen === undefined) {
    throw new BadInputError({ where: `${where}: active`, expected: `one of the keys ${[...keys.keys()].join(', ')}`, got: JSON.stringify(active) });
  }
  return { where, active: chosen, keys };
}

/** @throws BadInputError that quotes nothing of what was parsed */
export function parsedDocument(where: string, document: unknown): KeyDocument {
  const parsed = keyDocumentSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const expected = 'a JSON object of "active", the id of a key, and "keys", an object of ids and keys in base64 (seal codec new-key writes one)';
  throw new BadInputError({ where, expected, got: 'something else' });
}

/** @throws BadInputError for an id that is no plain name */
export function checkKeyId(where: string, id: string): string {
  if (KEY_ID.test(id)) return id;
  throw new BadInputError({ where, expected: 'an id of up to 64 letters, digits, dots, hyphens and underscores', got: JSON.stringify(id) });
}

export function encryptionKey(where: string, id: string, base64: string): EncryptionKey {
  checkKeyId(where, id);
  const bytes = Buffer.from(base64.trim(), 'base64');
  // Node skips what is not base64: the way back shows it.
  if (bytes.length !== KEY_BYTES || bytes.toString('base64').replace(/=+$/, '') !== base64.trim().replace(/=+$/, '')) {
    throw new BadInputError({ where: `${where}: key ${id}`, expected: `${KEY_BYTES} bytes in base64`, got: 'something else' });
  }
  const check = createHmac('sha256', bytes).update('seal payload key check').digest('hex').slice(0, CHECK_DIGITS);
  return { id, bytes, check };
}
