import { DTYPE_BYTES, readTensorF32, type TensorEntry } from './safetensors';

/** Of each of two tensors that are compared at a time. */
const CHUNK_ELEMENTS = 1 << 22;

/**
 * Whether two stored tensors have one shape and the same values, whatever the types they are stored in. Reads both files, 16 MiB of
 * float32 each at a time.
 *
 * @throws BadInputError for types other than F32, F16 and BF16
 */
export function areTensorsEqual(left: TensorEntry, right: TensorEntry): boolean {
  if (left.shape.length !== right.shape.length || left.shape.some((size, axis) => size !== right.shape[axis])) return false;
  const elements = left.byteLength / DTYPE_BYTES[left.dtype];
  for (let start = 0; start < elements; start += CHUNK_ELEMENTS) {
    const count = Math.min(CHUNK_ELEMENTS, elements - start);
    const bits = [left, right].map((entry) => new Uint32Array(readTensorF32(partOf(entry, start, count)).buffer));
    if (bits[0]?.some((value, i) => value !== bits[1]?.[i]) ?? false) return false;
  }
  return true;
}

function partOf(entry: TensorEntry, start: number, count: number): TensorEntry {
  const bytes = DTYPE_BYTES[entry.dtype];
  return { ...entry, shape: [count], byteOffset: entry.byteOffset + start * bytes, byteLength: count * bytes };
}
