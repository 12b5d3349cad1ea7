import type { GenerationPrecision } from '../../contracts/language-model';
import { MatMul } from '../graph/ops/mat-mul';
import { MatMulNBits } from '../graph/ops/mat-mul-n-bits';
import { transposeLast } from '../graph/ops/shape';
import type { Tensor } from '../graph/tensor';
import type { Weights } from './base-weights';
import { blockSizeFor, quantiseBlocks } from './block-quantisation';

/** x W' for the weight of this checkpoint name: x [..., in], W [out, in] -> [..., out]. */
export type FrozenLinear = (name: string, x: Tensor) => Tensor;

/** Every projection of the base goes through here, so that its precision is decided in one place. */
export function frozenLinear(weights: Weights): FrozenLinear {
  return (name, x) => MatMul(x, transposeLast(weights(name)));
}

/**
 * Projections of a graph that has no gradient, in the precision asked for. In `int4` the output head keeps 8 bits: a rounded logit is
 * seen in the answer at once. A projection whose width no block divides stays in float32.
 *
 * @param shapeOf of the weight of a checkpoint name, [out, in]
 */
export function decodingLinear(
  weights: Weights,
  shapeOf: (name: string) => readonly [number, number],
  precision: GenerationPrecision,
  head: string,
): FrozenLinear {
  const exact = frozenLinear(weights);
  if (precision === 'float32') return exact;
  return (name, x) => {
    const bits = precision === 'int8' || name === head ? 8 : 4;
    const [out, width] = shapeOf(name);
    const blockSize = blockSizeFor(width, bits);
    return blockSize === undefined ? exact(name, x) : MatMulNBits(x, quantiseBlocks(weights(name, blockSize), [out, width], bits));
  };
}
