import { Tensor } from 'onnxruntime-node';

/** A float32 tensor over `data`, which is not copied. */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor {
  return new Tensor('float32', data, dims);
}

/** An int64 tensor over `data`, which is not copied. */
export function integerTensor(data: BigInt64Array, dims: readonly number[]): Tensor {
  return new Tensor('int64', data, dims);
}

/** A uint32 tensor over `data`, which is not copied. */
export function unsignedTensor(data: Uint32Array, dims: readonly number[]): Tensor {
  return new Tensor('uint32', data, dims);
}

/** One number an adapter: float32 [N, 1]. */
export function columnTensor(values: readonly number[]): Tensor {
  return floatTensor(Float32Array.from(values), [values.length, 1]);
}

/** The floats of a result that is known to be float32. */
export function floats(tensor: unknown): Float32Array {
  if (!(tensor instanceof Tensor) || !(tensor.data instanceof Float32Array)) throw new TypeError('expected a float32 tensor');
  return tensor.data;
}

/** The integers of a result that is known to be int64. */
export function integers(tensor: unknown): BigInt64Array {
  if (!(tensor instanceof Tensor) || !(tensor.data instanceof BigInt64Array)) throw new TypeError('expected an int64 tensor');
  return tensor.data;
}
