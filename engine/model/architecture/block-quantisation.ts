import { Cast, Div, Equal, LessOrEqual, Min, Neg, Where } from '../../graph/ops/elementwise';
import type { BlockMatrix } from '../../graph/ops/mat-mul-n-bits';
import { QuantizeLinear, packNibbles } from '../../graph/ops/quantize';
import { ReduceMax, ReduceMin } from '../../graph/ops/reduce';
import { Reshape } from '../../graph/ops/shape';
import { type Tensor, dimAt } from '../../graph/tensor';

/** The longest that divides a width is taken. A product rounds its input by the same blocks: short ones keep an outlier from more of it. */
const BLOCK_SIZES = { long: [128, 64, 32, 16], short: [32, 16] } as const;

/** Elements of a block for rows of this width; undefined where none divides it. */
export function blockSizeFor(width: number, length: keyof typeof BLOCK_SIZES): number | undefined {
  return BLOCK_SIZES[length].find((size) => width % size === 0);
}

/**
 * Rounds a frozen weight to blocks of 4- or 8-bit integers: what of a block is farthest from 0 becomes the lower end of the range, the
 * rest a multiple of the same step. Written as operators on constants, which ONNX Runtime computes once, when the session opens.
 *
 * @param blocks float32 [out * in / blockSize, blockSize]: the weight [out, in], a block a row
 * Source: the rule of `Q4_0` in llama.cpp, in the layout of ONNX Runtime's MatMulNBits.
 */
export function quantiseBlocks(blocks: Tensor, [out, width]: readonly [number, number], bits: 4 | 8): BlockMatrix {
  const [count, blockSize] = [Number(dimAt(blocks.shape, 0)), Number(dimAt(blocks.shape, 1))];
  const half = 2 ** (bits - 1);
  const [highest, lowest] = [ReduceMax(blocks, [1]), ReduceMin(blocks, [1])];
  const farthest = Where(LessOrEqual(Neg(highest), lowest), highest, lowest);
  // The farthest is -half steps; a block of zeros has any step.
  const step = Div(Where(Equal(farthest, farthest.graph.constant('float32', 0)), 1, farthest), -half);
  const values = QuantizeLinear(blocks, step, half);
  // The other end may come out one step too far: 8 bits are kept in range by their type.
  const bytes = bits === 8 ? values : packNibbles(Min(values, Cast(values.graph.constant('float32', 2 * half - 1), 'uint8')));
  return {
    bits,
    blockSize,
    blocks: Reshape(bytes, [out, width / blockSize, (blockSize * bits) / 8]),
    scales: Reshape(step, [count]),
  };
}
