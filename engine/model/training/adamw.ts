import { Add, Div, Min, Mul, Sqrt, Sub } from '../../graph/ops/elementwise';
import { ReduceSum, ReduceSumSquare } from '../../graph/ops/reduce';
import { Reshape } from '../../graph/ops/shape';
import type { Dim, Tensor } from '../../graph/tensor';

/** First-moment decay. */
export const BETA1 = 0.9;
/** Second-moment decay of fine-tuning. */
export const BETA2 = 0.999;
export const EPSILON = 1e-8;

/** Parameters and both moments, each float32 [N, P]. */
export interface AdamWState {
  readonly parameters: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
}

/** What the host computes in double precision for a step, each float32 [N, 1]. */
export interface AdamWStep {
  /** lr / (1 - beta1^t). */
  readonly stepSize: Tensor;
  /** sqrt(1 - beta2^t). */
  readonly secondMomentCorrection: Tensor;
  /** 1 - lr * weight decay. */
  readonly decay: Tensor;
}

/**
 * What brings each adapter's gradient [N, P] to a norm of at most `maxNorm` (float32 [N, 1]).
 *
 * @returns the norm before, and the factor, each float32 [N, 1]
 * Source: PyTorch `clip_grad_norm_`, its 1e-6 included.
 */
export function gradientClipping(gradient: Tensor, maxNorm: Tensor): { norm: Tensor; factor: Tensor } {
  const [N, P] = gradient.shape as [Dim, number];
  // In two stages: the first has rows for every thread.
  const rows = Reshape(gradient, [N, P / rowLength(P), rowLength(P)]);
  const norm = Sqrt(Reshape(ReduceSum(ReduceSumSquare(rows, [-1]), [1]), [N, 1]));
  return { norm, factor: Min(Div(maxNorm, Add(norm, 1e-6)), gradient.graph.constant('float32', 1)) };
}

/** The host's form of `gradientClipping`: what a gradient of this norm is multiplied by. */
export function clippingFactor(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** The largest divisor of P up to 4096. */
function rowLength(P: number): number {
  let length = Math.min(P, 4096);
  while (P % length !== 0) length -= 1;
  return length;
}

/**
 * One decoupled-weight-decay Adam step. Scalars are multiplied with each other first, so that each pass over [N, P] does one thing.
 *
 * @param options.gradientFactor float32 [N, 1], multiplies the gradient. @default none
 * Source: PyTorch `AdamW` (Loshchilov and Hutter, arXiv 1711.05101).
 */
export function adamW(
  state: AdamWState,
  gradient: Tensor,
  step: AdamWStep,
  options: { readonly beta2?: number; readonly gradientFactor?: Tensor } = {},
): AdamWState {
  const { beta2 = BETA2, gradientFactor: factor = gradient.graph.constant('float32', 1) } = options;
  const firstMoment = Add(Mul(state.firstMoment, BETA1), Mul(gradient, Mul(factor, 1 - BETA1)));
  const squared = Mul(Mul(gradient, gradient), Mul(Mul(factor, factor), 1 - beta2));
  const secondMoment = Add(Mul(state.secondMoment, beta2), squared);
  // m / (sqrt(v) / c + epsilon) * s  =  m / (sqrt(v) + c epsilon) * (c s)
  const correction = step.secondMomentCorrection;
  const direction = Div(firstMoment, Add(Sqrt(secondMoment), Mul(correction, EPSILON)));
  const update = Mul(direction, Mul(correction, step.stepSize));
  return { parameters: Sub(Mul(state.parameters, step.decay), update), firstMoment, secondMoment };
}

/**
 * The host's part of step t (from 1) at a learning rate.
 *
 * @returns stepSize, secondMomentCorrection and decay of `AdamWStep`
 */
export function adamWScalars(t: number, learningRate: number, weightDecay: number, beta2 = BETA2): [number, number, number] {
  return [learningRate / (1 - BETA1 ** t), Math.sqrt(1 - beta2 ** t), 1 - learningRate * weightDecay];
}
