import type { BasePrecision, GenerationPrecision } from '../../../contracts/language-model';
import { withGradient } from '../../graph/custom-gradient';
import { DynamicQuantizeMatMul } from '../../graph/ops/dynamic-quantize-mat-mul';
import { Div, Equal, Max, Neg, Where } from '../../graph/ops/elementwise';
import { GemmTransposed } from '../../graph/ops/gemm';
import { MatMul } from '../../graph/ops/mat-mul';
import { MatMulNBits } from '../../graph/ops/mat-mul-n-bits';
import { QuantizeLinearSigned } from '../../graph/ops/quantize';
import { ReduceMax, ReduceMin } from '../../graph/ops/reduce';
import { Reshape, transposeLast } from '../../graph/ops/shape';
import { type Tensor, dimAt, productOf } from '../../graph/tensor';
import type { Weights } from './base-weights';
import { blockSizeFor, quantiseBlocks } from './block-quantisation';

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
 * Source: dynamic quantisation as in ONNX Runtime's DynamicQuantizeMatMul.
 */
export function trainingLinear(weights: Weights, precision: BasePrecision, once: boolean): FrozenLinear {
  if (precision === 'float32') return once ? inPlaceLinear(weights) : frozenLinear(weights);
  return (name, x) => {
    const weight = weights(name);
    const [rows, columns] = [roundedLines(weight, 0), roundedLines(weight, 1)];
    return withGradient(DynamicQuantizeMatMul(x, transposeLast(rows.values), rows.scales), [x], (dy) => [
      () => DynamicQuantizeMatMul(dy, columns.values, columns.scales),
    ]);
  };
}

/** A weight [out, in] in 8 bits, symmetric about 0, with a scale for each of its lines along `axis`. */
function roundedLines(weight: Tensor, axis: 0 | 1): { readonly values: Tensor; readonly scales: Tensor } {
  const across = [1 - axis];
  const farthest = Reshape(Max(ReduceMax(weight, across), Neg(ReduceMin(weight, across))), [dimAt(weight.shape, axis)]);
  // A line of zeros has any scale.
  const scales = Div(Where(Equal(farthest, weight.graph.constant('float32', 0)), 1, farthest), 127);
  return { values: QuantizeLinearSigned(weight, scales, axis), scales };
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
