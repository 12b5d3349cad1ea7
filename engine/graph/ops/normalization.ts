import type { GradientRules } from '../gradient-rule';
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
  RMSNormalization: ({ inputs: [x, scale], attributes: { epsilon }, outputs: [y] }, [dy]) => {
    // Shared by both gradients, built when the first of them is asked for.
    let inverse: Tensor | undefined;
    const r = (): Tensor => (inverse ??= inverseRms(x, (epsilon as { float: number }).float));
    return [
      // with r = 1/rms, y = x r scale:  dx = dy scale r - x r^2 mean(dy y)
      () => Sub(Mul(Mul(dy, scale), r()), Mul(x, Mul(Mul(r(), r()), ReduceMean(Mul(dy, y), [-1])))),
      // dscale = sum over rows of dy x r (the walker sums the broadcast)
      () => Mul(dy, Mul(x, r())),
    ];
  },
};
