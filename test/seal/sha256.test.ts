import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { sha256Hex } from '../../seal/sha256';

function reference(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

test('sha256Hex of the empty text and of "abc" are the published digests', () => {
  expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test.each([55, 56, 57, 63, 64, 65, 119, 120, 1000])(
  'sha256Hex agrees with OpenSSL at a length of %i bytes',
  (length) => {
    expect(sha256Hex('x'.repeat(length))).toBe(reference('x'.repeat(length)));
  },
);

test('sha256Hex agrees with OpenSSL on any Unicode text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => sha256Hex(text) === reference(text)));
});
