import { type Tensor, dimAt } from '../tensor';
import { emitOne } from './emit';

/**
 * x Q with x [..., in] rounded to 8 bits as it comes, by its own range, and Q int8 [in, out] with a scale a column [out]. It has no
 * gradient of its own. An operator of ONNX Runtime's own.
 */
export function DynamicQuantizeMatMul(x: Tensor, q: Tensor, scales: Tensor): Tensor {
  return emitOne('com.microsoft.DynamicQuantizeMatMul', [x, q, scales], {}, [...x.shape.slice(0, -1), dimAt(q.shape, -1)]);
}
