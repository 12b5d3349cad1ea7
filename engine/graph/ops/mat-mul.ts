import type { GradientRules } from '../gradient-rule';
import { broadcastShapes, dimAt, productOf, showShape, type Tensor } from '../tensor';
import { emitOne } from './emit';
import { Reshape, transposeLast } from './shape';

/** Batched matrix product [..., m, k] x [..., k, n]; leading axes broadcast. */
export function MatMul(a: Tensor, b: Tensor): Tensor {
  if (dimAt(a.shape, -1) !== dimAt(b.shape, -2)) {
    throw new TypeError(`MatMul: ${showShape(a.shape)} by ${showShape(b.shape)}: inner dims differ`);
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return emitOne('MatMul', [a, b], {}, [...batch, dimAt(a.shape, -2), dimAt(b.shape, -1)]);
}

/** All axes but the last as one: a shared matrix then meets its operand in a single GEMM. */
function flattenRows(x: Tensor): Tensor {
  return Reshape(x, [productOf(x.shape.slice(0, -1)), dimAt(x.shape, -1)]);
}

export const matMulGradients: GradientRules = {
  MatMul: ({ inputs: [a, b] }, [dy]) => [
    // dA = dY B'
    () => MatMul(dy, transposeLast(b)),
    // dB = A' dY, summed over the rows of every batch where B has none
    () =>
      b.shape.length === 2 && a.shape.length > 2
        ? MatMul(transposeLast(flattenRows(a)), flattenRows(dy))
        : MatMul(transposeLast(a), dy),
  ],
};
