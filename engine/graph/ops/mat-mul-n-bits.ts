import { type Tensor, dimAt } from '../tensor';
import { emitOne } from './emit';

/** A matrix [out, in] in blocks of `blockSize` along `in`, each with a scale. A 4-bit value lies in the lower half of its byte first. */
export interface BlockMatrix {
  readonly bits: 4 | 8;
  readonly blockSize: number;
  /** uint8 [out, in / blockSize, blockSize * bits / 8]; half of the values' range stands for 0. */
  readonly blocks: Tensor;
  /** float32 [out * in / blockSize]. */
  readonly scales: Tensor;
}

/** Activations are rounded to 8 bits, block by block, and products summed as integers. */
const INTEGER_PRODUCTS = 4;

/** x W' with W in blocks: x [..., in] -> [..., out]. It has no gradient. An operator of ONNX Runtime's own. */
export function MatMulNBits(x: Tensor, { bits, blockSize, blocks, scales }: BlockMatrix): Tensor {
  const [K, N] = [Number(dimAt(x.shape, -1)), Number(dimAt(blocks.shape, 0))];
  const attributes = { K, N, bits, block_size: blockSize, accuracy_level: INTEGER_PRODUCTS };
  return emitOne('com.microsoft.MatMulNBits', [x, blocks, scales], attributes, [...x.shape.slice(0, -1), N]);
}
