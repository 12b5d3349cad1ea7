import type { BasePrecision, GenerationPrecision } from '../../../contracts/language-model';
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
 * Projections of a graph that is trained through. In `int8` weight, input and what flows back are rounded to 8 bits and multiplied as
 * integers; the weight is rounded once for each direction, a scale for each of its results.
 *
 * @param once of `heldOnce`
 * Source: a scale for each row of the input (token) and each column of the weight, as in LLM.int8() (arXiv 2208.07339, section 2.2),
 * without its exact outlier columns.
 */
export function trainingLinear(weights: Weights, precision: BasePrecision, once: boolean): FrozenLinear {
  if (precision === 'float32') return once ? inPlaceLinear(weights) : frozenLinear(weights);
  return (name, x) => {
    const weight = weights(name);
    const [rows, columns] = [roundedLines(weight, 0), roundedLines(weight, 1)];
    return withGradient(roundedProduct(x, transposeLast(rows.values), rows.scales), [x], (dy) => [
      () => roundedProduct(dy, columns.values, columns.scales),
    ]);
  };
}

/** x Q for x [..., in]. Each row of x has a scale of its own, so that it does not depend on what else is computed in the same run. */
function roundedProduct(x: Tensor, q: Tensor, scales: Tensor): Tensor {
  const rows = Reshape(x, [productOf(x.shape.slice(0, -1)), dimAt(x.shape, -1)]);
  const steps = stepOf(rows, 1);
  const product = Mul(MatMulIntegerToFloat(QuantizeLinear(rows, steps, ZERO_BYTE), ZERO_BYTE, q, scales), steps);
  return Reshape(product, [...x.shape.slice(0, -1), dimAt(q.shape, -1)]);
}

/** A weight [out, in] in 8 bits, symmetric about 0, with a scale for each of its lines along `axis`. */
function roundedLines(weight: Tensor, axis: 0 | 1): { readonly values: Tensor; readonly scales: Tensor } {
  const scales = Reshape(stepOf(weight, axis === 0 ? 1 : 0), [dimAt(weight.shape, axis)]);
  return { values: QuantizeLinearSigned(weight, scales, axis), scales };
}

/** A 127th of what is farthest from 0 along `axis`, which stays with length 1; above 0 also where all are 0. */
function stepOf(x: Tensor, axis: 0 | 1): Tensor {
  const farthest = Max(ReduceMax(x, [axis]), Neg(ReduceMin(x, [axis])));
  return Div(Max(farthest, 1e-30), 127);
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
