import type { GradientRules } from '../gradients';
import type { Tensor } from '../tensor';
import { Add, Mul, Reciprocal, Sqrt, Sub } from './elementwise';
import { emitOne } from './emit';
import { ReduceMean } from './reduce';

/** x / sqrt(mean(x^2) + epsilon) * scale, over the last axis. Scale is [C]. */
export function RMSNormalization(x: Tensor, scale: Tensor, epsilon: number): Tensor {
  return emitOne('RMSNormalization', [x, scale], { axis: -1, epsilon: { float: epsilon } }, x.shape);
}

function inverseRms(x: Tensor, epsilon: number): Tensor {
  return Reciprocal(Sqrt(Add(ReduceMean(Mul(x, x), [-1]), epsilon)));
}

export const normalizationGradients: GradientRules = {
  RMSNormalization: ({ inputs: [x, scale], attributes: { epsilon } }, [dy]) => {
    // Shared by both gradients, built when the first of them is asked for.
    let normed: { r: Tensor; xhat: Tensor } | undefined;
    const parts = (): { r: Tensor; xhat: Tensor } => {
      if (normed === undefined) {
        const r = inverseRms(x, (epsilon as { float: number }).float);
        normed = { r, xhat: Mul(x, r) };
      }
      return normed;
    };
    return [
      // with g = dy scale, r = 1/rms, xhat = x r:  dx = r (g - xhat mean(g xhat))
      () => {
        const { r, xhat } = parts();
        const g = Mul(dy, scale);
        return Mul(r, Sub(g, Mul(xhat, ReduceMean(Mul(g, xhat), [-1]))));
      },
      // dscale = sum over rows of dy xhat (the walker sums the broadcast)
      () => Mul(dy, parts().xhat),
    ];
  },
};
