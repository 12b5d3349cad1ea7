import { fstatSync, readSync } from 'node:fs';
import { BadInputError } from '../../campaign/errors';
import { signOfLife } from '../runtime/sign-of-life';
import { withOpenFile } from './bounded-file';
import type { SafetensorsDtype, TensorEntry } from './safetensors-format';

/** A weight that is NaN or infinite: nothing computed with it means anything. */
export interface NonFiniteWeight {
  readonly file: string;
  readonly tensor: string;
  /** Place of the element in the tensor, one index an axis. */
  readonly index: readonly number[];
  readonly value: 'NaN' | 'Infinity' | '-Infinity';
}

/** How a type shows in its leading bits: a number is not finite where all of `exponent` is set. Wide types are looked at by their upper half. */
interface FloatLayout {
  /** Bits of the part that is looked at: 16 or 32. */
  readonly bits: 16 | 32;
  /** 16- or 32-bit words an element. */
  readonly words: 1 | 2;
  readonly exponent: number;
  readonly mantissa: number;
}

const LAYOUTS: Partial<Record<SafetensorsDtype, FloatLayout>> = {
  F64: { bits: 32, words: 2, exponent: 0x7ff00000, mantissa: 0x000fffff },
  F32: { bits: 32, words: 1, exponent: 0x7f800000, mantissa: 0x007fffff },
  BF16: { bits: 16, words: 1, exponent: 0x7f80, mantissa: 0x007f },
  F16: { bits: 16, words: 1, exponent: 0x7c00, mantissa: 0x03ff },
};

/** A multiple of every element's size. */
const CHUNK_BYTES = 1 << 24;

/**
 * Reads tensors one after the other, in chunks of 16 MiB, and gives the first weight that is not finite; undefined where all are.
 * Integers are finite. Reads all of every file: meant for when something has already gone wrong, or for a check that is asked for.
 *
 * @throws BadInputError if a file cannot be read
 */
export function findNonFinite(tensors: Iterable<TensorEntry>): NonFiniteWeight | undefined {
  for (const entry of tensors) {
    const layout = LAYOUTS[entry.dtype];
    const found = layout === undefined ? undefined : findInTensor(entry, layout);
    signOfLife();
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Refuses weights that are NaN or infinite.
 *
 * @throws BadInputError naming the file, the tensor and the element
 */
export function refuseNonFinite(tensors: Iterable<TensorEntry>): void {
  const found = findNonFinite(tensors);
  if (found !== undefined) throw nonFiniteError(found);
}

/** The same for values that are in memory already, as {@link TensorEntry} `entry` has them. @throws BadInputError */
export function refuseNonFiniteValues(entry: TensorEntry, values: Float32Array): void {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (Number.isFinite(value)) continue;
    const name = Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
    throw nonFiniteError({ file: entry.file, tensor: entry.name, index: indexOf(i, entry.shape), value: name });
  }
}

function nonFiniteError({ file, tensor, index, value }: NonFiniteWeight): BadInputError {
  return new BadInputError({ where: `${file}: tensor ${tensor}: element [${index.join(', ')}]`, expected: 'a finite weight', got: value });
}

function findInTensor(entry: TensorEntry, layout: FloatLayout): NonFiniteWeight | undefined {
  return withOpenFile(entry.file, { kind: 'regular', what: 'a readable safetensors file' }, (descriptor) => {
    const chunk = new ArrayBuffer(Math.min(CHUNK_BYTES, entry.byteLength));
    const elementBytes = (layout.bits / 8) * layout.words;
    for (let done = 0; done < entry.byteLength; ) {
      const count = fill(descriptor, new Uint8Array(chunk, 0, Math.min(chunk.byteLength, entry.byteLength - done)), entry, done);
      const words = layout.bits === 16 ? new Uint16Array(chunk, 0, count / 2) : new Uint32Array(chunk, 0, count / 4);
      const at = firstNonFinite(words, layout);
      if (at >= 0) {
        const element = done / elementBytes + Math.floor(at / layout.words);
        return { file: entry.file, tensor: entry.name, index: indexOf(element, entry.shape), value: nameOf(words, at, layout) };
      }
      done += count;
    }
    return undefined;
  });
}

/** Fills `bytes` from the tensor's byte `from` on. */
function fill(descriptor: number, bytes: Uint8Array, entry: TensorEntry, from: number): number {
  for (let got = 0; got < bytes.length; ) {
    const count = readSync(descriptor, bytes, got, bytes.length - got, entry.byteOffset + from + got);
    if (count === 0) {
      const expected = `${entry.byteOffset + entry.byteLength} bytes`;
      throw new BadInputError({ where: entry.file, expected, got: `${fstatSync(descriptor).size}: the file is truncated` });
    }
    got += count;
  }
  return bytes.length;
}

/** Place of the first word whose exponent is all ones, or -1. Little-endian: the upper half of a wide element comes last. */
function firstNonFinite(words: Uint16Array | Uint32Array, { words: step, exponent }: FloatLayout): number {
  for (let i = step - 1; i < words.length; i += step) {
    if (((words[i] as number) & exponent) === exponent) return i;
  }
  return -1;
}

function nameOf(words: Uint16Array | Uint32Array, at: number, { bits, words: step, mantissa }: FloatLayout): NonFiniteWeight['value'] {
  const word = words[at] as number;
  const lower = step === 2 ? (words[at - 1] as number) : 0;
  if ((word & mantissa) !== 0 || lower !== 0) return 'NaN';
  return word >>> (bits - 1) === 0 ? 'Infinity' : '-Infinity';
}

function indexOf(element: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let left = element;
  for (const size of [...shape].reverse()) {
    index.unshift(left % size);
    left = Math.floor(left / size);
  }
  return index;
}
