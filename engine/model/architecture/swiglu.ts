import { withGradient } from '../../graph/custom-gradient';
import { Add, Mul, Sigmoid, Sub } from '../../graph/ops/elementwise';
import type { Tensor } from '../../graph/tensor';

/**
 * silu(gate) * up, elementwise, with a gradient that goes over memory six times instead of nine.
 *
 * Source: GLU variants (arXiv 2002.05202), as in Llama's feed-forward.
 */
export function swiGlu(gate: Tensor, up: Tensor): Tensor {
  const s = Sigmoid(gate);
  const silu = Mul(gate, s);
  return withGradient(Mul(silu, up), [gate, up], (dy) => [
    // silu' = s + gate s (1 - s) = silu + (s - silu s)
    () => Mul(Mul(dy, up), Add(silu, Sub(s, Mul(silu, s)))),
    () => Mul(dy, silu),
  ]);
}
