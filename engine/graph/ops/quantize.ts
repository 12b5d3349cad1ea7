import { type Tensor, dimAt } from '../tensor';
import { Add, Cast, Mul } from './elementwise';
import { emitOne } from './emit';
import { Reshape, Split } from './shape';

/** round(x / scale) + zero, kept between 0 and 255, where each row of x [rows, width] has its scale in [rows, 1]: uint8. */
export function QuantizeLinear(x: Tensor, scale: Tensor, zero: number): Tensor {
  const rows = Reshape(scale, [dimAt(x.shape, 0)]);
  const zeros = Cast(Add(Mul(rows, 0), zero), 'uint8');
  return emitOne('QuantizeLinear', [x, rows, zeros], { axis: 0 }, x.shape, 'uint8');
}

/** round(x / scale), where each line of x [rows, columns] along `axis` has its scale in [rows] or [columns]: int8. */
export function QuantizeLinearSigned(x: Tensor, scales: Tensor, axis: 0 | 1): Tensor {
  return emitOne('QuantizeLinear', [x, scales, Cast(Mul(scales, 0), 'int8')], { axis }, x.shape, 'int8');
}

/** Two 4-bit values a byte, the first in its lower half: uint8 [rows, width] -> [rows, width / 2]. */
export function packNibbles(values: Tensor): Tensor {
  const [rows, width] = [Number(dimAt(values.shape, 0)), Number(dimAt(values.shape, 1))];
  const [low, high] = Split(Reshape(values, [(rows * width) / 2, 2]), [1, 1], 1) as [Tensor, Tensor];
  const four = Cast(values.graph.constant('float32', 4), 'uint8');
  const shifted = emitOne('BitShift', [high, four], { direction: 'LEFT' }, high.shape);
  return Reshape(emitOne('BitwiseOr', [low, shifted], {}, low.shape), [rows, width / 2]);
}
