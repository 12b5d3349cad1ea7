import type { GradientRules } from '../gradient-rule';
import type { Tensor } from '../tensor';
import { Exp, Mul, Sub } from './elementwise';
import { emitOne } from './emit';
import { ReduceSum } from './reduce';

/** Over the last axis. */
export const Softmax = (x: Tensor): Tensor => emitOne('Softmax', [x], { axis: -1 }, x.shape);
export const LogSoftmax = (x: Tensor): Tensor => emitOne('LogSoftmax', [x], { axis: -1 }, x.shape);

export const softmaxGradients: GradientRules = {
  // dx = y (dy - sum(dy y))
  Softmax: ({ outputs: [y] }, [dy]) => [() => Mul(y, Sub(dy, ReduceSum(Mul(dy, y), [-1])))],
  // dx = dy - exp(y) sum(dy)
  LogSoftmax: ({ outputs: [y] }, [dy]) => [() => Sub(dy, Mul(Exp(y), ReduceSum(dy, [-1])))],
};
