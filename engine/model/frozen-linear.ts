import { MatMul } from '../graph/ops/mat-mul';
import { transposeLast } from '../graph/ops/shape';
import type { Tensor } from '../graph/tensor';
import type { Weights } from './base-weights';

/** x W' for the weight of this checkpoint name: x [..., in], W [out, in] -> [..., out]. */
export type FrozenLinear = (name: string, x: Tensor) => Tensor;

/** Every projection of the base goes through here, so that its precision is decided in one place. */
export function frozenLinear(weights: Weights): FrozenLinear {
  return (name, x) => MatMul(x, transposeLast(weights(name)));
}
