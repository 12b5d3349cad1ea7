import type { GradientRules } from '../gradient-rule';
import type { Tensor } from '../tensor';
import { Cast, Div, Mul } from './elementwise';
import { emitOne } from './emit';
import { expandLike } from './shape';

/** Axes may count from the end; reduced dims stay as 1. */
function reduce(operator: string, x: Tensor, axes: readonly number[]): Tensor {
  const positive = axes.map((axis) => (axis + x.shape.length) % x.shape.length);
  const shape = x.shape.map((dim, axis) => (positive.includes(axis) ? 1 : dim));
  return emitOne(operator, [x, x.graph.constant('int64', positive)], { keepdims: 1 }, shape);
}

export const ReduceSum = (x: Tensor, axes: readonly number[]): Tensor => reduce('ReduceSum', x, axes);
export const ReduceMax = (x: Tensor, axes: readonly number[]): Tensor => reduce('ReduceMax', x, axes);
export const ReduceMin = (x: Tensor, axes: readonly number[]): Tensor => reduce('ReduceMin', x, axes);
export const ReduceMean = (x: Tensor, axes: readonly number[]): Tensor => reduce('ReduceMean', x, axes);
export const ReduceSumSquare = (x: Tensor, axes: readonly number[]): Tensor => reduce('ReduceSumSquare', x, axes);

/** How many elements were reduced into one, as a float32 [1]. */
function reducedCount(x: Tensor, y: Tensor): Tensor {
  const sizes = x.shape.flatMap((dim, axis) => (dim === y.shape[axis] ? [] : [Cast(x.graph.sizeOf(dim), 'float32')]));
  return sizes.reduce((a, b) => Mul(a, b), x.graph.constant('float32', [1]));
}

export const reduceGradients: GradientRules = {
  ReduceSum: ({ inputs: [x] }, [dy]) => [() => expandLike(dy, x)],
  // d mean = dy / n to each
  ReduceMean: ({ inputs: [x], outputs: [y] }, [dy]) => [() => expandLike(Div(dy, reducedCount(x, y)), x)],
  // d sum x^2 = 2 x dy
  ReduceSumSquare: ({ inputs: [x] }, [dy]) => [() => Mul(x, Mul(dy, 2))],
};
