import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { decode as utf8, encode as bytesOf } from '@temporalio/common/lib/encoding';
import fc from 'fast-check';
import { EncryptionCodec, isEncrypted } from '../../temporal/encryption/encryption-codec';
import { type KeyRing, keyRing, NO_KEYS } from '../../temporal/encryption/key-ring';

const newKey = (): string => randomBytes(32).toString('base64');
const [first, second] = [newKey(), newKey()];
const ring = (active: string, keys: Record<string, string>): KeyRing => keyRing('keys.json', { active, keys });

const old = new EncryptionCodec(ring('k1', { k1: first }));
const rotated = new EncryptionCodec(ring('k2', { k1: first, k2: second }));
const plain: Payload = defaultPayloadConverter.toPayload({ passage: 'canary' });

async function encrypted(codec: EncryptionCodec): Promise<Payload> {
  return (await codec.encode([plain]))[0]!;
}

it('gives back every payload as it was, metadata included, and shows nothing of it', async () => {
  const payloads = fc.array(fc.record({ metadata: fc.dictionary(fc.string(), fc.uint8Array()), data: fc.uint8Array({ maxLength: 3000 }) }));
  await fc.assert(
    fc.asyncProperty(payloads, async (list) => {
      const sent = await old.encode(list);
      expect(sent.every(isEncrypted)).toBe(true);
      const back = await old.decode(sent);
      expect(back.map(({ metadata, data }) => [Object.entries(metadata ?? {}).map(([k, v]) => [k, [...v]]), [...data!]])).toEqual(
        list.map(({ metadata, data }) => [Object.entries(metadata).map(([k, v]) => [k, [...v]]), [...data]]),
      );
    }),
    { numRuns: 200 },
  );
  expect(Buffer.from((await encrypted(old)).data!).includes('canary')).toBe(false);
});

it('never encrypts twice to the same bytes', async () => {
  const nonces = new Set((await old.encode(Array.from({ length: 1000 }, () => plain))).map(({ data }) => Buffer.from(data!).subarray(0, 12).toString('hex')));
  expect(nonces.size).toBe(1000);
});

it('writes with the active key and reads with every other that it has', async () => {
  expect(utf8((await encrypted(rotated)).metadata!['encryption-key-id']!)).toBe('k2');
  expect(defaultPayloadConverter.fromPayload((await rotated.decode([await encrypted(old)]))[0]!)).toEqual({ passage: 'canary' });
});

it('names the key that it does not have, and the one that is another of that name', async () => {
  await expect(old.decode([await encrypted(rotated)])).rejects.toThrow('keys.json: expected the key "k2" that this payload was encrypted with, got the keys k1');
  const other = new EncryptionCodec(ring('k1', { k1: second }));
  await expect(other.decode([await encrypted(old)])).rejects.toThrow('keys.json: expected the key "k1" that this payload was encrypted with, got another key of that name');
  await expect(new EncryptionCodec(NO_KEYS).decode([await encrypted(old)])).rejects.toMatchObject({
    name: 'BadInputError',
    message: 'SEAL_CODEC_KEYS: expected the key "k1" that this payload was encrypted with, got no keys',
  });
});

it('asks for the keys again before it gives up', async () => {
  const codec = new EncryptionCodec(ring('k1', { k1: first }), () => ring('k2', { k1: first, k2: second }));
  expect(await codec.decode([await encrypted(rotated)])).toHaveLength(1);
});

it('refuses a payload in which one bit was changed, wherever it is', async () => {
  const { data, metadata } = await encrypted(old);
  for (let at = 0; at < data!.length; at += 1) {
    const changed = Uint8Array.from(data!);
    changed[at]! ^= 1;
    await expect(old.decode([{ metadata: metadata!, data: changed }])).rejects.toMatchObject({ name: 'PayloadTamperedError', message: expect.stringContaining('"k1"') });
  }
  for (const changed of [{ ...metadata!, added: bytesOf('x') }, { ...metadata!, 'encryption-cipher': bytesOf('AES-128') }]) {
    await expect(old.decode([{ metadata: changed, data: data! }])).rejects.toMatchObject({ name: 'PayloadTamperedError' });
  }
  await expect(old.decode([{ metadata: metadata!, data: data!.subarray(0, 20) }])).rejects.toMatchObject({ name: 'PayloadTamperedError' });
});

it('passes on what was never encrypted, and encrypts nothing without keys', async () => {
  expect(await old.decode([plain])).toEqual([plain]);
  expect(await new EncryptionCodec(NO_KEYS).encode([plain])).toEqual([plain]);
});
