import type { Tensor } from '../tensor';
import { emitOne } from './emit';

/** Index of the largest of the last axis, of equal ones the first: int64, the axis gone. It has no gradient. */
export function ArgMax(x: Tensor): Tensor {
  return emitOne('ArgMax', [x], { axis: -1, keepdims: 0 }, x.shape.slice(0, -1), 'int64');
}
