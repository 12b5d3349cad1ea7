import { type Tensor, dimAt } from '../tensor';
import { emitOne } from './emit';

/** a B' for a [m, k] and b [n, k] as it lies in memory: no transposed copy is made of it. It has no gradient of its own. */
export function GemmTransposed(a: Tensor, b: Tensor): Tensor {
  return emitOne('Gemm', [a, b], { transA: 0, transB: 1 }, [dimAt(a.shape, 0), dimAt(b.shape, 0)]);
}
