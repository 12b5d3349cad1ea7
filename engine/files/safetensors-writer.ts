import { writeFileAtomically, writeFully } from './atomic-write';
import { DTYPE_BYTES } from './safetensors-format';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: 'F32' | 'BF16';
  readonly shape: readonly number[];
  /** Row-major float32, or a function that gives it when its turn comes (so that one tensor is in memory at a time). */
  readonly data: Float32Array | (() => Float32Array);
}

/**
 * Writes tensors as a safetensors file, atomically.
 *
 * The bytes depend on the tensors and metadata alone, not on their order: wider types first, then by name, as the
 * format's reference writer has it. BF16 is rounded to nearest, ties to even.
 *
 * @throws RangeError if a shape does not fit its data
 */
export function writeSafetensors(file: string, tensors: readonly TensorToWrite[], metadata: Readonly<Record<string, string>> = {}): void {
  const ordered = [...tensors].sort((left, right) => DTYPE_BYTES[right.dtype] - DTYPE_BYTES[left.dtype] || compareNames(left.name, right.name));
  const header = new Map<string, unknown>();
  const metadataEntries = Object.entries(metadata).sort(([left], [right]) => compareNames(left, right));
  if (metadataEntries.length > 0) header.set('__metadata__', Object.fromEntries(metadataEntries));
  let offset = 0;
  for (const { name, dtype, shape } of ordered) {
    const byteLength = elementCount(shape) * DTYPE_BYTES[dtype];
    header.set(name, { dtype, shape, data_offsets: [offset, offset + byteLength] });
    offset += byteLength;
  }
  writeFileAtomically(file, (descriptor) => {
    writeFully(descriptor, encodeHeader(header));
    for (const tensor of ordered) writeFully(descriptor, tensorBytes(tensor));
  });
}

function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((elements, size) => elements * size, 1);
}

/** Length and JSON, padded with spaces so that the data begins at a multiple of eight. */
function encodeHeader(header: ReadonlyMap<string, unknown>): Buffer {
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)), 'utf8');
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  padded.writeBigUInt64LE(BigInt(padded.length - 8), 0);
  json.copy(padded, 8);
  return padded;
}

function tensorBytes(tensor: TensorToWrite): Uint8Array {
  const data = typeof tensor.data === 'function' ? tensor.data() : tensor.data;
  if (data.length !== elementCount(tensor.shape)) {
    throw new RangeError(`tensor ${tensor.name}: expected ${elementCount(tensor.shape)} elements for [${tensor.shape.join(', ')}], got ${data.length}`);
  }
  const values = tensor.dtype === 'F32' ? data : roundToBfloat16(data);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function roundToBfloat16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const rounded = new Uint16Array(data.length);
  for (let i = 0; i < bits.length; i += 1) {
    const value = bits[i]!;
    const isNaN = (value & 0x7fffffff) > 0x7f800000;
    // Adding just under half a step, and the lowest kept bit, rounds ties to even.
    rounded[i] = isNaN ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return rounded;
}
