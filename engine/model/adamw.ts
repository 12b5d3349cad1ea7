import { Add, Div, Min, Mul, Sqrt, Sub } from '../graph/ops/elementwise';
import { ReduceSumSquare } from '../graph/ops/reduce';
import type { Tensor } from '../graph/tensor';

const BETA1 = 0.9;
/** Second-moment decay of fine-tuning. */
export const BETA2 = 0.999;
const EPSILON = 1e-8;

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
 * Scales each adapter's gradient [N, P] so that its norm is at most `maxNorm` (float32 [N, 1]).
 *
 * Source: PyTorch `clip_grad_norm_`, its 1e-6 included.
 */
export function clipGradientNorm(gradient: Tensor, maxNorm: Tensor): { clipped: Tensor; norm: Tensor } {
  const norm = Sqrt(ReduceSumSquare(gradient, [-1]));
  const factor = Min(Div(maxNorm, Add(norm, 1e-6)), gradient.graph.constant('float32', 1));
  return { clipped: Mul(gradient, factor), norm };
}

/** One decoupled-weight-decay Adam step. Source: PyTorch `AdamW` (Loshchilov and Hutter, arXiv 1711.05101). */
export function adamW(state: AdamWState, gradient: Tensor, step: AdamWStep, beta2 = BETA2): AdamWState {
  const firstMoment = Add(Mul(state.firstMoment, BETA1), Mul(gradient, 1 - BETA1));
  const secondMoment = Add(Mul(state.secondMoment, beta2), Mul(Mul(gradient, gradient), 1 - beta2));
  const denominator = Add(Div(Sqrt(secondMoment), step.secondMomentCorrection), EPSILON);
  const update = Mul(Div(firstMoment, denominator), step.stepSize);
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
