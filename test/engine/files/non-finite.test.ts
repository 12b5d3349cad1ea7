import { openSync, closeSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { findNonFinite, refuseNonFinite, refuseNonFiniteValues } from '../../../engine/files/non-finite';
import { openSafetensors, writeSafetensors, type TensorEntry } from '../../../engine/files/safetensors';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** One tensor of raw little-endian elements. */
function stored(dtype: string, shape: readonly number[], bytes: Uint8Array): TensorEntry[] {
  const header = Buffer.from(JSON.stringify({ w: { dtype, shape, data_offsets: [0, bytes.length] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(directory.path('raw.safetensors'), Buffer.concat([length, header, bytes]));
  return [...openSafetensors(directory.path('raw.safetensors')).tensors.values()];
}

const bytesOf = (values: ArrayBufferView): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('findNonFinite', () => {
  it.each<[dtype: string, values: ArrayBufferView, value: string]>([
    ['F32', Float32Array.of(1, 3.4e38, -0, NaN, Infinity, 0), 'NaN'],
    ['F32', Float32Array.of(1, 2, 3, Infinity, NaN, 0), 'Infinity'],
    ['F32', Float32Array.of(1, 2, 3, -Infinity, NaN, 0), '-Infinity'],
    ['F64', Float64Array.of(1, -1e308, 5e-324, NaN, 0, 0), 'NaN'],
    ['F64', Float64Array.of(1, 2, 3, -Infinity, 0, 0), '-Infinity'],
    // A quiet NaN whose only mantissa bit is the lowest.
    ['F64', BigUint64Array.of(0n, 0n, 0n, 0x7ff0000000000001n, 0n, 0n), 'NaN'],
    ['BF16', Uint16Array.of(0x3f80, 0x7f7f, 0x8000, 0x7fc0, 0x7f80, 0), 'NaN'],
    ['BF16', Uint16Array.of(0x3f80, 0x7f7f, 0x8000, 0xff80, 0, 0), '-Infinity'],
    ['F16', Uint16Array.of(0x3c00, 0x7bff, 0x8000, 0x7c01, 0, 0), 'NaN'],
    ['F16', Uint16Array.of(0x3c00, 0x7bff, 0x8000, 0x7c00, 0, 0), 'Infinity'],
  ])('names the first of a %s tensor', (dtype, values, value) => {
    expect(findNonFinite(stored(dtype, [2, 3], bytesOf(values)))).toEqual({ file: directory.path('raw.safetensors'), tensor: 'w', index: [1, 0], value });
  });

  it.each<[dtype: string, values: ArrayBufferView]>([
    ['F32', Float32Array.of(0, -0, 3.4028234663852886e38, 1e-45)],
    ['F64', Float64Array.of(0, 1.7976931348623157e308, -5e-324, 1)],
    ['BF16', Uint16Array.of(0, 0x7f7f, 0xff7f, 1)],
    ['F16', Uint16Array.of(0, 0x7bff, 0xfbff, 1)],
    ['I32', Uint32Array.of(0x7fc00000, 0x7f800000, 0xffffffff, 0)],
  ])('finds none in the finite values of %s', (dtype, values) => {
    expect(findNonFinite(stored(dtype, [4], bytesOf(values)))).toBeUndefined();
  });

  it('finds one anywhere, behind a whole chunk too', () => {
    const size = (1 << 22) + 5;
    const file = directory.path('large.safetensors');
    writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [size], data: new Float32Array(size) }]);
    const [entry] = openSafetensors(file).tensors.values();
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.from(Float32Array.of(NaN).buffer), 0, 4, (entry?.byteOffset ?? 0) + 4 * (size - 2));
    closeSync(descriptor);
    expect(entry && findNonFinite([entry])?.index).toEqual([size - 2]);
  });

  it('finds what an element-wise search finds', () => {
    const float = fc.oneof({ weight: 9, arbitrary: fc.float() }, { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) });
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 40 }), (values) => {
        const first = values.findIndex((value) => !Number.isFinite(value));
        const found = findNonFinite(stored('F32', [values.length], bytesOf(Float32Array.from(values))));
        expect(found?.index[0] ?? -1).toBe(first);
        if (first >= 0) expect(found?.value).toBe(String(values[first]));
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('says the one line', () => {
    const tensors = stored('F32', [2, 2], bytesOf(Float32Array.of(1, 2, NaN, 4)));
    expect(() => refuseNonFinite(tensors)).toThrow(/raw\.safetensors: tensor w: element \[1, 0\]: expected a finite weight, got NaN$/);
    expect(() => refuseNonFiniteValues(tensors[0] as TensorEntry, Float32Array.of(1, 2, 3, -Infinity))).toThrow(/element \[1, 1\]: expected a finite weight, got -Infinity$/);
    expect(() => refuseNonFiniteValues(tensors[0] as TensorEntry, new Float32Array(4))).not.toThrow();
  });

  it('notices a file that was cut after it was opened', () => {
    const tensors = stored('F32', [4], new Uint8Array(16));
    truncateSync(directory.path('raw.safetensors'), 70);
    expect(() => findNonFinite(tensors)).toThrow(/got 70: the file is truncated/);
  });
});
