import { fstatSync, readSync } from 'node:fs';
import { BadInputError } from '../../campaign/errors';
import { withOpenFile } from './bounded-file';
import { describeValue, isJsonObject, parseJsonObject } from './json-file';
import { DTYPE_BYTES, type SafetensorsDtype, type TensorEntry } from './safetensors-format';

export { DTYPE_BYTES, type SafetensorsDtype, type TensorEntry } from './safetensors-format';
export { writeSafetensors, type TensorToWrite } from './safetensors-writer';

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Map<string, TensorEntry>;
}

const OPENING_BRACE = 0x7b;
const MAX_AXES = 64;

/** The format's own limit on its header, which bounds what a hostile file can make a reader allocate. */
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads and checks a safetensors header; the tensors themselves stay on disk.
 *
 * Everything the format promises is checked: sizes follow from shapes and types, tensors lie inside the file, do not
 * overlap, leave no gaps, and end where the file ends.
 *
 * @throws BadInputError naming the file, and the tensor where there is one
 */
export function openSafetensors(file: string): SafetensorsFile {
  const { header, dataStart, fileBytes } = readHeader(file);
  const metadata = parseMetadata(file, header['__metadata__']);
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') tensors.set(name, parseEntry(file, name, value, dataStart, fileBytes));
  }
  checkTiling(file, [...tensors.values()], dataStart, fileBytes);
  return { metadata, tensors };
}

function readHeader(file: string): { header: Readonly<Record<string, unknown>>; dataStart: number; fileBytes: number } {
  return withFile(file, (descriptor) => {
    const fileBytes = fstatSync(descriptor).size;
    if (fileBytes < 8) {
      throw new BadInputError({ where: file, expected: 'a safetensors file of at least 8 bytes', got: `${fileBytes} bytes` });
    }
    const declared = readRange(descriptor, file, 0, 8).readBigUInt64LE();
    if (declared > BigInt(Math.min(MAX_HEADER_BYTES, fileBytes - 8))) {
      throw new BadInputError({
        where: file,
        expected: `a header of at most ${Math.min(MAX_HEADER_BYTES, fileBytes - 8)} bytes (the file has ${fileBytes})`,
        got: `a declared header length of ${declared} bytes; the file is truncated or no safetensors file`,
      });
    }
    const headerBytes = Number(declared);
    const bytes = readRange(descriptor, file, 8, headerBytes);
    if (bytes[0] !== OPENING_BRACE) {
      throw new BadInputError({ where: `${file}: header`, expected: 'a JSON object, its first byte "{"', got: describeBytes(bytes) });
    }
    const header = parseJsonObject(bytes, `${file}: header`);
    return { header, dataStart: 8 + headerBytes, fileBytes };
  });
}

function describeBytes(bytes: Uint8Array): string {
  const hex = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return bytes.length === 0 ? 'an empty header' : `a header that begins with the bytes ${hex}`;
}

function parseMetadata(file: string, value: unknown): Record<string, string> {
  // Converters write null for none, and the format's own reader takes it so.
  if (value === undefined || value === null) return {};
  const where = `${file}: __metadata__`;
  if (!isJsonObject(value)) throw new BadInputError({ where, expected: 'an object of strings', got: describeValue(value) });
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new BadInputError({ where: `${where}.${key}`, expected: 'a string', got: describeValue(text) });
  }
  return value as Record<string, string>;
}

function parseEntry(file: string, name: string, value: unknown, dataStart: number, fileBytes: number): TensorEntry {
  const where = `${file}: tensor ${name}`;
  if (!isJsonObject(value)) throw new BadInputError({ where, expected: 'dtype, shape and data_offsets', got: describeValue(value) });
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    throw new BadInputError({ where: `${where}: dtype`, expected: `one of ${Object.keys(DTYPE_BYTES).join(', ')}`, got: describeValue(dtype) });
  }
  if (!isCountList(shape) || shape.length > MAX_AXES) throw new BadInputError({ where: `${where}: shape`, expected: `at most ${MAX_AXES} non-negative integers`, got: describeValue(shape) });
  if (!isCountList(offsets) || offsets.length !== 2) {
    throw new BadInputError({ where: `${where}: data_offsets`, expected: 'two non-negative integers', got: describeValue(offsets) });
  }
  const [begin, end] = offsets as readonly [number, number];
  if (begin > end || end > fileBytes - dataStart) {
    throw new BadInputError({
      where: `${where}: data_offsets`,
      expected: `offsets in order within the file's ${fileBytes - dataStart} bytes of data (is it truncated?)`,
      got: `[${begin}, ${end}]`,
    });
  }
  // Exact: a product of floats could round to the length that the offsets promise.
  const byteLength = shape.reduce((bytes, size) => bytes * BigInt(size), BigInt(DTYPE_BYTES[dtype as SafetensorsDtype]));
  if (byteLength !== BigInt(end - begin)) {
    throw new BadInputError({
      where: `${where}: data_offsets`,
      expected: `${byteLength} bytes for ${dtype} [${shape.join(', ')}]`,
      got: `${end - begin} bytes`,
    });
  }
  return { name, dtype: dtype as SafetensorsDtype, shape, file, byteOffset: dataStart + begin, byteLength: end - begin };
}

function isCountList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

function checkTiling(file: string, entries: TensorEntry[], dataStart: number, fileBytes: number): void {
  entries.sort((left, right) => left.byteOffset - right.byteOffset || left.byteLength - right.byteLength);
  let expectedOffset = dataStart;
  for (const entry of entries) {
    if (entry.byteOffset !== expectedOffset) {
      const problem = entry.byteOffset < expectedOffset ? 'an overlap with the tensor before it' : 'a gap before it';
      throw new BadInputError({
        where: `${file}: tensor ${entry.name}`,
        expected: `data_offsets to begin at ${expectedOffset - dataStart}`,
        got: `${entry.byteOffset - dataStart}: ${problem}`,
      });
    }
    expectedOffset += entry.byteLength;
  }
  if (expectedOffset !== fileBytes) {
    throw new BadInputError({
      where: file,
      expected: `${expectedOffset - dataStart} bytes of data, as its tensors add up to`,
      got: `${fileBytes - dataStart}`,
    });
  }
}

/** Bytes of 16-bit floats held at once while they are widened. */
const CONVERSION_CHUNK_BYTES = 1 << 24;

/**
 * Reads one tensor as float32 (row-major); bf16 and fp16 are widened, which is exact.
 *
 * @throws BadInputError for other types, or if the file got shorter since it was opened
 */
export function readTensorF32(entry: TensorEntry): Float32Array {
  return withFile(entry.file, (descriptor) => {
    switch (entry.dtype) {
      case 'F32': {
        const bytes = readRange(descriptor, entry.file, entry.byteOffset, entry.byteLength);
        return new Float32Array(bytes.buffer, bytes.byteOffset, entry.byteLength / 4);
      }
      case 'BF16':
        return readHalfPrecision(descriptor, entry, widenBfloat16);
      case 'F16':
        return readHalfPrecision(descriptor, entry, widenFloat16);
      default:
        throw new BadInputError({ where: `${entry.file}: tensor ${entry.name}`, expected: 'F32, BF16 or F16', got: entry.dtype });
    }
  });
}

type Widen = (source: Uint16Array, target: Uint32Array, offset: number) => void;

function readHalfPrecision(descriptor: number, entry: TensorEntry, widen: Widen): Float32Array {
  const bits = new Uint32Array(entry.byteLength / 2);
  for (let done = 0; done < entry.byteLength; done += CONVERSION_CHUNK_BYTES) {
    const chunkBytes = Math.min(CONVERSION_CHUNK_BYTES, entry.byteLength - done);
    const bytes = readRange(descriptor, entry.file, entry.byteOffset + done, chunkBytes);
    widen(new Uint16Array(bytes.buffer, bytes.byteOffset, chunkBytes / 2), bits, done / 2);
  }
  return new Float32Array(bits.buffer);
}

function widenBfloat16(source: Uint16Array, target: Uint32Array, offset: number): void {
  for (let i = 0; i < source.length; i += 1) target[offset + i] = source[i]! << 16;
}

let float16Table: Uint32Array | undefined;

function widenFloat16(source: Uint16Array, target: Uint32Array, offset: number): void {
  float16Table ??= Uint32Array.from({ length: 1 << 16 }, (_, half) => float16ToFloat32Bits(half));
  for (let i = 0; i < source.length; i += 1) target[offset + i] = float16Table[source[i]!]!;
}

/** Float32 bits of IEEE half-precision bits. */
function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (mantissa << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (mantissa << 13)) >>> 0;
  // Zero or subnormal: mantissa * 2^-24, which float32 holds as a normal number.
  const magnitude = new Uint32Array(Float32Array.of(mantissa * 2 ** -24).buffer)[0]!;
  return (sign | magnitude) >>> 0;
}

function withFile<T>(file: string, read: (descriptor: number) => T): T {
  return withOpenFile(file, { kind: 'regular', what: 'a readable safetensors file' }, read);
}

/** Reads a byte range into a buffer of its own, so that typed arrays over it are aligned. */
function readRange(descriptor: number, file: string, position: number, byteLength: number): Buffer<ArrayBuffer> {
  const maxBytesPerCall = 1 << 30;
  const buffer = Buffer.from(new ArrayBuffer(byteLength));
  for (let done = 0; done < byteLength; ) {
    const count = readSync(descriptor, buffer, done, Math.min(byteLength - done, maxBytesPerCall), position + done);
    if (count === 0) {
      throw new BadInputError({ where: file, expected: `${byteLength} bytes from offset ${position}`, got: `${done}: the file is truncated` });
    }
    done += count;
  }
  return buffer;
}
