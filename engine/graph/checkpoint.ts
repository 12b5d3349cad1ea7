import { withGradient } from './custom-gradient';
import { gradients } from './gradients';
import { Add, Mul } from './ops/elementwise';
import { ReduceSum } from './ops/reduce';
import type { Tensor } from './tensor';

/** A part of a graph, from its input to its only result. */
export type Segment = (x: Tensor) => Tensor;

/**
 * Builds a segment twice: once for its result, and once more in the backward pass, so that between the two nothing of it is kept but
 * its input.
 *
 * ONNX Runtime runs operators in an order of its own, which two additions of nothing put right. The second input is x + 0 * dy: else
 * it would find both the same and compute them once, early. What flows on is dx + 0 * (the parameters' gradients): else these would
 * be computed last of all, and keep the segment's inner values until then.
 *
 * @param x [N, ...], as are the parameters
 * @param parameters what the segment is differentiated by, beside its input where `needsInput`
 */
export function checkpoint(segment: Segment, x: Tensor, parameters: readonly Tensor[], needsInput: boolean): Tensor {
  const sources = needsInput ? [x, ...parameters] : parameters;
  return withGradient(segment(x), sources, (dy) => {
    let all: readonly Tensor[] | undefined;
    const gradientOf = (i: number): Tensor => {
      all ??= secondPass(segment, x, parameters, needsInput, dy);
      return all[i] as Tensor;
    };
    return sources.map((_, i) => () => gradientOf(i));
  });
}

function secondPass(segment: Segment, x: Tensor, parameters: readonly Tensor[], needsInput: boolean, dy: Tensor): Tensor[] {
  const again = Add(x, Mul(dy, 0));
  const firstNode = x.graph.nodes.length;
  const found = gradients(segment(again), needsInput ? [again, ...parameters] : parameters, { seed: dy, firstNode });
  if (!needsInput) return found;
  const [dx, ...ofParameters] = found as [Tensor, ...Tensor[]];
  const sums = ofParameters.map((gradient) => ReduceSum(gradient, gradient.shape.slice(1).map((_, i) => i + 1)));
  return [Add(dx, Mul(sums.reduce((a, b) => Add(a, b)), 0)), ...ofParameters];
}
