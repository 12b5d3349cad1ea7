import { type Tensor, dimAt } from '../tensor';
import { Cast } from './elementwise';
import { emitOne } from './emit';

/**
 * (a - zero) Q, summed as integers and multiplied by a scale a column: a uint8 [rows, in], Q int8 [in, out], scales float32 [out] ->
 * float32 [rows, out]. It has no gradient. An operator of ONNX Runtime's own.
 */
export function MatMulIntegerToFloat(a: Tensor, zero: number, q: Tensor, scales: Tensor): Tensor {
  const scale = a.graph.constant('float32', 1);
  const inputs = [a, q, scale, scales, Cast(a.graph.constant('float32', zero), 'uint8')] as const;
  return emitOne('com.microsoft.MatMulIntegerToFloat', inputs, {}, [dimAt(a.shape, 0), dimAt(q.shape, -1)], 'float32');
}
