import type { BasePrecision, GenerationPrecision } from '../../../campaign/language-model';
import { withGradient } from '../../graph/custom-gradient';
import { Div, Max, Mul, Neg } from '../../graph/ops/elementwise';
import { GemmTransposed } from '../../graph/ops/gemm';
import { MatMul } from '../../graph/ops/mat-mul';
import { MatMulIntegerToFloat } from '../../graph/ops/mat-mul-integer';
import { MatMulNBits } from '../../graph/ops/mat-mul-n-bits';
import { QuantizeLinear, QuantizeLinearSigned } from '../../graph/ops/quantize';
import { ReduceMax, ReduceMin } from '../../graph/ops/reduce';
import { Reshape, transposeLast } from '../../graph/ops/shape';
import { type Tensor, dimAt, productOf } from '../../graph/tensor';
import type { Weights } from './base-weights';
import { blockSizeFor, quantiseBlocks } from './block-quantisation';

/** The byte that stands for 0 where 8 bits hold activations: ONNX Runtime's integer products take them unsigned. */
const ZERO_BYTE = 128;
const ACTIVATION_STEPS = 127;
/** Without VNNI a processor adds two products in 16 bits, which would overflow, silently, with weights of 8 bits: 2 * 255 * 63 does not. */
const WEIGHT_STEPS = 63;

/** x W' for the weight of this checkpoint name: x [..., in], W [out, in] -> [..., out]. */
export type FrozenLinear = (name: string, x: Tensor) => Tensor;

/** Every projection of the base goes through here, so that its precision and layout are decided in one place. */
export function frozenLinear(weights: Weights): FrozenLinear {
  return (name, x) => MatMul(x, transposeLast(weights(name)));
}

/** As `frozenLinear`, forward and backward on the weight as it lies in memory (`heldOnce`). */
function inPlaceLinear(weights: Weights): FrozenLinear {
  return (name, x) => {
    const weight = weights(name);
    const rows = Reshape(x, [productOf(x.shape.slice(0, -1)), dimAt(x.shape, -1)]);
    const product = Reshape(GemmTransposed(rows, weight), [...x.shape.slice(0, -1), dimAt(weight.shape, 0)]);
    return withGradient(product, [x], (dy) => [() => MatMul(dy, weight)]);
  };
}

/**
 * Projections of a graph that is trained through. In `int8` a product is one of integers, and no row depends on what else is computed in
 * the same run: forward, weight and input have a scale a block (`MatMulNBits`), since one outlier in a row would round the rest of it away;
 * what flows back has one a row. A projection whose width no block divides stays in float32.
 *
 * @param once of `heldOnce`
 * Source: for the way back, a scale a row and a column as in LLM.int8() (arXiv 2208.07339, section 2.2), without its exact outliers.
 */
export function trainingLinear(weights: Weights, precision: BasePrecision, once: boolean): FrozenLinear {
  const exact = once ? inPlaceLinear(weights) : frozenLinear(weights);
  if (precision === 'float32') return exact;
  return (name, x) => {
    const weight = weights(name);
    const [out, width] = [Number(dimAt(weight.shape, 0)), Number(dimAt(weight.shape, 1))];
    const blockSize = blockSizeFor(width, 'short');
    if (blockSize === undefined) return exact(name, x);
    const product = MatMulNBits(x, quantiseBlocks(weights(name, blockSize), [out, width], 8));
    return withGradient(product, [x], (dy) => [() => roundedProduct(dy, weight)]);
  };
}

/** x W for x [..., out] and W [out, in]: x rounded to 8 bits with a scale a row, W to 7 with a scale a column. */
function roundedProduct(x: Tensor, weight: Tensor): Tensor {
  const rows = Reshape(x, [productOf(x.shape.slice(0, -1)), dimAt(x.shape, -1)]);
  const steps = stepOf(rows, 1, ACTIVATION_STEPS);
  const scales = Reshape(stepOf(weight, 0, WEIGHT_STEPS), [dimAt(weight.shape, 1)]);
  const product = MatMulIntegerToFloat(QuantizeLinear(rows, steps, ZERO_BYTE), ZERO_BYTE, QuantizeLinearSigned(weight, scales, 1), scales);
  return Reshape(Mul(product, steps), [...x.shape.slice(0, -1), dimAt(weight.shape, 1)]);
}

/** What is farthest from 0 along `axis`, which stays with length 1, in so many steps; above 0 also where all are 0. */
function stepOf(x: Tensor, axis: 0 | 1, steps: number): Tensor {
  const farthest = Max(ReduceMax(x, [axis]), Neg(ReduceMin(x, [axis])));
  return Div(Max(farthest, 1e-30), steps);
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
    const blockSize = blockSizeFor(width, bits === 8 ? 'long' : 'short');
    return blockSize === undefined ? exact(name, x) : MatMulNBits(x, quantiseBlocks(weights(name, blockSize), [out, width], bits));
  };
}
