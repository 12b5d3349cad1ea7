import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { BadInputError } from '../../../campaign/errors';
import { openSafetensors, readTensorF32, writeSafetensors } from '../../../engine/files/safetensors';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** Reads everything that can be read; anything but BadInputError is a bug. Returns false where the file is refused. */
function readAll(bytes: Uint8Array): boolean {
  const file = directory.path('fuzzed.safetensors');
  writeFileSync(file, bytes);
  try {
    for (const entry of openSafetensors(file).tensors.values()) {
      // What is read stays in proportion to the file: no declared size is believed.
      expect(entry.byteLength).toBeLessThanOrEqual(bytes.byteLength);
      readTensorF32(entry);
    }
    return true;
  } catch (error) {
    if (error instanceof BadInputError) return false;
    throw error;
  }
}

function validFile(): Buffer {
  const file = directory.path('valid.safetensors');
  writeSafetensors(
    file,
    [
      { name: 'w', dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { name: 'v', dtype: 'BF16', shape: [4], data: Float32Array.of(1, 2, 3, 4) },
    ],
    { format: 'pt' },
  );
  return readFileSync(file);
}

function withHeader(json: string, dataBytes: number): Buffer {
  const header = Buffer.from(json);
  const file = Buffer.alloc(8 + header.length + dataBytes);
  file.writeBigUInt64LE(BigInt(header.length));
  header.copy(file, 8);
  return file;
}

describe('safetensors files that nobody meant to write', () => {
  it('accepts the file that the others are made from', () => {
    expect(readAll(validFile())).toBe(true);
  });

  it('refuses every truncation', () => {
    const valid = validFile();
    for (let length = 0; length < valid.length; length += 1) expect(readAll(valid.subarray(0, length))).toBe(false);
  });

  it('reads or refuses random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readAll(bytes)), { numRuns: 300, seed: 1 });
  });

  it('reads or refuses a valid file with bytes replaced', () => {
    const valid = validFile();
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (replacements) => {
        const bytes = Buffer.from(valid);
        for (const [position, byte] of replacements) bytes[position] = byte;
        readAll(bytes);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('reads or refuses any JSON as a header', () => {
    fc.assert(fc.property(fc.json(), fc.nat(64), (json, dataBytes) => void readAll(withHeader(json, dataBytes))), { numRuns: 300, seed: 3 });
  });

  it('reads or refuses headers of the right form with wild values', () => {
    const size = fc.oneof(fc.nat(8), fc.integer(), fc.double(), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 53, 1e300, null, '4'));
    const entry = fc.record({
      dtype: fc.constantFrom('F32', 'BF16', 'F16', 'I64', 'U8', 'F4', '__proto__', 3),
      shape: fc.array(size, { maxLength: 4 }),
      data_offsets: fc.array(size, { maxLength: 3 }),
    });
    const header = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__metadata__', '__proto__', 'w')), entry, { maxKeys: 3 });
    fc.assert(fc.property(header, fc.nat(64), (value, dataBytes) => void readAll(withHeader(JSON.stringify(value), dataBytes))), { numRuns: 400, seed: 4 });
  });
});
