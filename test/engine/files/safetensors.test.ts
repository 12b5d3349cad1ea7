import { readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { BadInputError } from '../../../campaign/errors';
import { openSafetensors, readTensorF32, writeSafetensors, type TensorEntry } from '../../../engine/files/safetensors';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** A safetensors file with this header and this many bytes of data. */
function writeRaw(header: unknown, data: Uint8Array, declaredLength?: bigint): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(declaredLength ?? BigInt(json.length));
  const file = directory.path('raw.safetensors');
  writeFileSync(file, Buffer.concat([length, json, data]));
  return file;
}

function only(file: string): TensorEntry {
  const [entry] = openSafetensors(file).tensors.values();
  if (entry === undefined) throw new Error('no tensor');
  return entry;
}

describe('openSafetensors and readTensorF32', () => {
  it('read back what writeSafetensors wrote', () => {
    const file = directory.path('model.safetensors');
    const values = Float32Array.of(1.5, -2, 3e-20, Infinity, 0, -0);
    writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [2, 3], data: values }, { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array() }], { format: 'pt' });
    const { metadata, tensors } = openSafetensors(file);
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()].sort()).toEqual(['empty', 'w']);
    expect(tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24, file });
    const entry = tensors.get('w');
    expect(entry && [...readTensorF32(entry)]).toEqual([...values]);
  });

  it('take "__metadata__": null for no metadata, as the format\'s own reader does', () => {
    const { metadata, tensors } = openSafetensors(writeRaw({ __metadata__: null, w: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, Buffer.of(1)));
    expect(metadata).toEqual({});
    expect([...tensors.keys()]).toEqual(['w']);
  });

  it('widens bf16 exactly', () => {
    // 1.0, -2.0, largest finite, infinity, smallest subnormal
    const bits = Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x7f80, 0x0001);
    const file = writeRaw({ w: { dtype: 'BF16', shape: [5], data_offsets: [0, 10] } }, new Uint8Array(bits.buffer));
    expect([...readTensorF32(only(file))]).toEqual([1, -2, 3.3895313892515355e38, Infinity, 9.183549615799121e-41]);
  });

  it('widens fp16 exactly, subnormals included', () => {
    // 1.0, -2.0, 65504, -infinity, smallest subnormal, largest subnormal, -0
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0xfc00, 0x0001, 0x03ff, 0x8000);
    const file = writeRaw({ w: { dtype: 'F16', shape: [7], data_offsets: [0, 14] } }, new Uint8Array(bits.buffer));
    expect([...readTensorF32(only(file))]).toEqual([1, -2, 65504, -Infinity, 2 ** -24, 1023 * 2 ** -24, -0]);
  });

  it('reads tensors at offsets that are no multiple of their element size', () => {
    const floats = new Uint8Array(Float32Array.of(7, 8).buffer);
    const file = writeRaw({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, w: { dtype: 'F32', shape: [2], data_offsets: [1, 9] } }, Buffer.concat([Buffer.of(9), floats]));
    const entry = openSafetensors(file).tensors.get('w');
    expect(entry && [...readTensorF32(entry)]).toEqual([7, 8]);
  });

  it('refuses to read integers as weights', () => {
    const file = writeRaw({ ids: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, Buffer.alloc(8));
    expect(() => readTensorF32(only(file))).toThrow(/tensor ids: expected F32, BF16 or F16, got I64/);
  });

  it('notices a file that was cut after it was opened', () => {
    const file = directory.path('cut.safetensors');
    writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [4], data: new Float32Array(4) }]);
    const entry = only(file);
    writeFileSync(file, readFileSync(file).subarray(0, -3));
    expect(() => readTensorF32(entry)).toThrow(/expected 16 bytes from offset \d+, got 13: the file is truncated/);
  });

  const float = (offsets: unknown, shape: unknown = [2]): unknown => ({ dtype: 'F32', shape, data_offsets: offsets });
  it.each<[what: string, header: unknown, dataBytes: number, message: RegExp]>([
    ['no JSON', '{"w": ', 0, /raw\.safetensors: header: expected a JSON object in UTF-8, got malformed JSON/],
    ['a list', [], 0, /header: expected a JSON object, its first byte "\{", got a header that begins with the bytes 5b 5d/],
    ['a byte order mark', '\ufeff{}', 0, /header that begins with the bytes ef bb bf 7b 7d/],
    ['an empty header', '', 0, /header: expected a JSON object, its first byte "\{", got an empty header/],
    ['a tensor twice', '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0077":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, /header: expected each key once in an object, got "w" twice/],
    ['offsets twice', '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"data_offsets":[0,4]}}', 4, /got "data_offsets" twice/],
    ['nesting without end', `{"w":${'['.repeat(50_000)}`, 0, /expected values nested at most 100 deep/],
    ['metadata that is a list', { __metadata__: ['a'] }, 0, /__metadata__: expected an object of strings, got \["a"\]/],
    ['half an offset', { w: float([0, 7.5]) }, 8, /data_offsets: expected two non-negative integers, got \[0,7\.5\]/],
    ['offsets below zero', { w: float([-8, 0]) }, 8, /data_offsets: expected two non-negative integers, got \[-8,0\]/],
    ['offsets beyond all integers', { w: float([0, 2 ** 60]) }, 8, /data_offsets: expected two non-negative integers/],
    ['a product that wraps round to what is there', { w: float([0, 8], [2 ** 32, 2 ** 32, 2]) }, 8, /data_offsets: expected 147573952589676412928 bytes for F32/],
    ['more axes than any tensor has', { w: float([0, 4], new Array(65).fill(1)) }, 4, /shape: expected at most 64 non-negative integers/],
    ['a name that is a terminal sequence', { '\u001b[2J\nw': 3 }, 0, /tensor \\u001b\[2J w: expected dtype/],
    ['metadata that is no text', { __metadata__: { a: 1 } }, 0, /__metadata__\.a: expected a string, got 1/],
    ['an entry that is no object', { w: 3 }, 0, /tensor w: expected dtype, shape and data_offsets, got 3/],
    ['an unknown dtype', { w: { dtype: 'F7', shape: [1], data_offsets: [0, 4] } }, 4, /tensor w: dtype: expected one of .*BF16.*, got "F7"/],
    ['a dtype that objects inherit', { w: { dtype: 'constructor', shape: [1], data_offsets: [0, 4] } }, 4, /tensor w: dtype/],
    ['a negative size', { w: float([0, 8], [-2]) }, 8, /tensor w: shape: expected at most 64 non-negative integers, got \[-2\]/],
    ['one offset', { w: float([0]) }, 8, /tensor w: data_offsets: expected two non-negative integers/],
    ['offsets out of order', { w: float([8, 0]) }, 8, /tensor w: data_offsets: .* got \[8, 0\]/],
    ['offsets out of range', { w: float([0, 16], [4]) }, 8, /tensor w: data_offsets: expected offsets in order within the file's 8 bytes.*got \[0, 16\]/],
    ['a size that is not the shape\'s', { w: float([0, 8], [3]) }, 8, /tensor w: data_offsets: expected 12 bytes for F32 \[3\], got 8 bytes/],
    ['a shape beyond all integers', { w: float([0, 8], [2 ** 40, 2 ** 40]) }, 8, /tensor w: data_offsets: expected .* bytes for F32/],
    ['overlapping tensors', { v: float([0, 8]), w: float([4, 12]) }, 12, /tensor w: expected data_offsets to begin at 8, got 4: an overlap/],
    ['a gap', { v: float([0, 8]), w: float([12, 20]) }, 20, /tensor w: expected data_offsets to begin at 8, got 12: a gap/],
    ['bytes that no tensor claims', { w: float([0, 8]) }, 11, /expected 8 bytes of data, as its tensors add up to, got 11/],
  ])('refuses %s', (_what, header, dataBytes, message) => {
    const file = writeRaw(header, Buffer.alloc(dataBytes));
    expect(() => openSafetensors(file)).toThrow(BadInputError);
    expect(() => openSafetensors(file)).toThrow(message);
  });

  it.each([(1n << 64n) - 1n, 1n << 63n, 1n << 62n, 1n << 40n, 200_000_000n, 17n])('refuses a header length of %s in a small file before allocating it', (declared) => {
    expect(() => openSafetensors(writeRaw('{}', Buffer.alloc(14), declared))).toThrow(/truncated or no safetensors file/);
  });

  it('refuses a header above the format\'s bound, though the file has the bytes', () => {
    const file = writeRaw('{}', Buffer.alloc(0), 100_000_001n);
    // Sparse: it takes no room on the disk.
    truncateSync(file, 300_000_000);
    expect(() => openSafetensors(file)).toThrow(/expected a header of at most 100000000 bytes .* got a declared header length of 100000001/);
  });

  it('names a missing, an empty and a header-only file', () => {
    expect(() => openSafetensors(directory.path('none.safetensors'))).toThrow(/none\.safetensors: expected a readable safetensors file, got no such file/);
    writeFileSync(directory.path('empty'), '');
    expect(() => openSafetensors(directory.path('empty'))).toThrow(/at least 8 bytes, got 0 bytes/);
    expect(() => openSafetensors(directory.path())).toThrow(/got a directory/);
    symlinkSync('round', directory.path('round'));
    expect(() => openSafetensors(directory.path('round'))).toThrow(/got links that lead in a circle/);
    symlinkSync('../blobs/gone', directory.path('dangling'));
    expect(() => openSafetensors(directory.path('dangling'))).toThrow(/got a link to a file that is not there/);
    expect(() => openSafetensors(directory.path('empty', 'below'))).toThrow(/got a path below a file/);
    expect(() => openSafetensors('a\0b')).toThrow(/a\\u0000b: expected a readable safetensors file, got a name with a NUL character/);
    expect(() => openSafetensors('/dev/null')).toThrow(/got a device or pipe/);
  });
});

describe('writeSafetensors', () => {
  const tensors = [
    { name: 'b', dtype: 'F32', shape: [1], data: Float32Array.of(2) },
    { name: 'half', dtype: 'BF16', shape: [1], data: Float32Array.of(3) },
    { name: 'a', dtype: 'F32', shape: [1], data: (): Float32Array => Float32Array.of(1) },
  ] as const;

  it('gives the same bytes in whatever order the tensors come', () => {
    writeSafetensors(directory.path('one'), tensors, { format: 'pt', b: '1' });
    writeSafetensors(directory.path('two'), [...tensors].reverse(), { b: '1', format: 'pt' });
    expect(readFileSync(directory.path('one')).equals(readFileSync(directory.path('two')))).toBe(true);
    expect([...openSafetensors(directory.path('one')).tensors.keys()]).toEqual(['a', 'b', 'half']);
  });

  it('begins the data at a multiple of eight bytes', () => {
    writeSafetensors(directory.path('one'), tensors);
    const offset = openSafetensors(directory.path('one')).tensors.get('a')?.byteOffset;
    expect(offset && offset % 8).toBe(0);
  });

  it('rounds to bf16 to nearest, ties to even, and keeps NaN', () => {
    const values = Float32Array.of(1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, NaN, -Infinity, 3.4e38);
    writeSafetensors(directory.path('half'), [{ name: 'w', dtype: 'BF16', shape: [7], data: values }]);
    expect([...readTensorF32(only(directory.path('half')))]).toEqual([1, 1, 1 + 2 ** -6, 1 + 2 ** -7, NaN, -Infinity, Infinity]);
  });

  it('leaves the old file and no temporary one when it fails', () => {
    const file = directory.path('kept');
    writeSafetensors(file, tensors);
    const before = readFileSync(file);
    expect(() => writeSafetensors(file, [{ name: 'w', dtype: 'F32', shape: [3], data: new Float32Array(2) }])).toThrow(/tensor w: expected 3 elements for \[3\], got 2/);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(directory.path())).toEqual(['kept']);
  });
});
