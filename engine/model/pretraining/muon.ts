import { Add, Div, Mul, Sqrt, Sub } from '../../graph/ops/elementwise';
import { MatMul } from '../../graph/ops/mat-mul';
import { ReduceSumSquare } from '../../graph/ops/reduce';
import { transposeLast } from '../../graph/ops/shape';
import type { Tensor } from '../../graph/tensor';

/** Quintic whose iteration drives singular values towards 1. */
const NEWTON_SCHULZ = [3.4445, -4.775, 2.0315] as const;
const ITERATIONS = 5;

/**
 * The nearest semi-orthogonal matrices, roughly: singular values end between about 0.7 and 1.2.
 *
 * @param g float32 [L, m, n], each matrix for itself
 * Source: Muon (Keller Jordan, 2024), `zeropower_via_newtonschulz5`.
 */
export function orthogonalise(g: Tensor): Tensor {
  const [m, n] = [Number(g.shape[1]), Number(g.shape[2])];
  const wide = m <= n ? g : transposeLast(g);
  let x = Div(wide, Add(Sqrt(ReduceSumSquare(wide, [-2, -1])), 1e-7));
  const [a, b, c] = NEWTON_SCHULZ;
  for (let i = 0; i < ITERATIONS; i += 1) {
    const xx = MatMul(x, transposeLast(x));
    const polynomial = Add(Mul(xx, b), Mul(MatMul(xx, xx), c));
    x = Add(Mul(x, a), MatMul(polynomial, x));
  }
  return m <= n ? x : transposeLast(x);
}

/**
 * One Muon step with Nesterov momentum of stacked matrices [L, m, n].
 *
 * @param learningRate float32 [1, 1]
 */
export function muon(
  { matrices, momentum }: { readonly matrices: Tensor; readonly momentum: Tensor },
  gradient: Tensor,
  learningRate: Tensor,
  decay: number,
): { matrices: Tensor; momentum: Tensor } {
  const next = Add(Mul(momentum, decay), gradient);
  const direction = orthogonalise(Add(gradient, Mul(next, decay)));
  const [m, n] = [Number(gradient.shape[1]), Number(gradient.shape[2])];
  // Tall matrices move further, so that every output moves alike.
  const scale = Math.sqrt(Math.max(1, m / n));
  return { matrices: Sub(matrices, Mul(Mul(direction, scale), learningRate)), momentum: next };
}
