import type { AttributeValue, DType, Shape, Tensor } from '../tensor';

/** Appends an operator with one result. */
export function emitOne(
  operator: string,
  inputs: readonly [Tensor, ...(Tensor | undefined)[]],
  attributes: Readonly<Record<string, AttributeValue>>,
  shape: Shape,
  dtype: DType = inputs[0].dtype,
): Tensor {
  const [result] = inputs[0].graph.emit(operator, inputs, attributes, [{ dtype, shape }]);
  return result as Tensor;
}
