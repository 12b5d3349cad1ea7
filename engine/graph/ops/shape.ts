import type { GradientRules } from '../gradient-rule';
import { type Dim, type Shape, type Tensor, dimAt, productOf, sameShape, showShape } from '../tensor';
import { emitOne } from './emit';

export function Reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (productOf(x.shape) !== productOf(shape)) {
    throw new TypeError(`Reshape: ${showShape(x.shape)} has ${productOf(x.shape)} elements, ${showShape(shape)} has ${productOf(shape)}`);
  }
  return emitOne('Reshape', [x, targetShape(x, shape)], {}, shape);
}

/** ONNX's own shorthand saves nodes: 0 keeps the dim of the same axis, one -1 is inferred, the rest is looked up at run time. */
function targetShape(x: Tensor, shape: Shape): Tensor {
  let inferred = false;
  const parts = shape.map((dim, axis): number | Tensor => {
    if (typeof dim === 'number') return dim;
    if (dim === x.shape[axis]) return 0;
    if (!inferred) {
      inferred = true;
      return -1;
    }
    return x.graph.sizeOf(dim);
  });
  if (parts.every((part) => typeof part === 'number')) return x.graph.constant('int64', parts);
  const tensors = parts.map((part) => (typeof part === 'number' ? x.graph.constant('int64', [part]) : part));
  return Concat(tensors, 0);
}

export function Transpose(x: Tensor, perm: readonly number[]): Tensor {
  return emitOne('Transpose', [x], { perm }, perm.map((axis) => dimAt(x.shape, axis)));
}

/** Exchanges the last two axes (twice: nothing). ONNX Runtime folds it into the MatMul beside it. */
export function transposeLast(x: Tensor): Tensor {
  const original = x.producer?.operator === 'Transpose' && swapsLast(x) ? x.producer.inputs[0] : undefined;
  if (original !== undefined) return original;
  const rank = x.shape.length;
  return Transpose(x, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

function swapsLast({ producer, shape: { length: rank } }: Tensor): boolean {
  const perm = producer?.attributes['perm'] as readonly number[];
  return perm.every((from, to) => from === (to < rank - 2 ? to : 2 * rank - 3 - to));
}

export function Concat(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw new TypeError('Concat: expected at least one tensor, got none');
  const at = (axis + first.shape.length) % first.shape.length;
  const along = parts.map((part) => dimAt(part.shape, at));
  const shape = first.shape.map((dim, i) => (i === at ? sumOf(along) : dim));
  const [result] = first.graph.emit('Concat', parts, { axis: at }, [{ dtype: first.dtype, shape }]);
  return result as Tensor;
}

/** A sum with a name in it becomes a name of its own; no input has it, so only shape inference uses it. */
function sumOf(dims: Shape): Dim {
  const known = dims.filter((dim) => typeof dim === 'number').reduce((a, b) => a + b, 0);
  const names = dims.filter((dim) => typeof dim === 'string');
  if (names.length === 0) return known;
  return [...names, ...(known === 0 ? [] : [String(known)])].join('+');
}

/** Cuts `axis` into pieces of these sizes. */
export function Split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  const at = (axis + x.shape.length) % x.shape.length;
  const results = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((dim, i) => (i === at ? size : dim)) }));
  return x.graph.emit('Split', [x, x.graph.constant('int64', sizes)], { axis: at }, results);
}

/** Undoes a Concat along the last axis: pieces as wide as `parts` are at run time. It has no gradient. */
export function SplitAgain(x: Tensor, parts: readonly Tensor[]): Tensor[] {
  const widths = parts.map(({ graph, shape }) => graph.sizeOf(dimAt(shape, -1)));
  const results = parts.map(({ shape }) => ({ dtype: x.dtype, shape: [...x.shape.slice(0, -1), dimAt(shape, -1)] }));
  return x.graph.emit('Split', [x, Concat(widths, 0)], { axis: x.shape.length - 1 }, results);
}

/** Broadcasts `value` to the run-time shape of `like`. */
export function expandLike(value: Tensor, like: Tensor): Tensor {
  const shape = emitOne('Shape', [like], {}, [like.shape.length], 'int64');
  return emitOne('Expand', [value, shape], {}, like.shape, value.dtype);
}

export const shapeGradients: GradientRules = {
  Reshape: ({ inputs: [x] }, [dy]) => [() => Reshape(dy, x.shape)],
  Transpose: ({ attributes: { perm } }, [dy]) => {
    const forward = perm as readonly number[];
    return [() => Transpose(dy, forward.map((_, axis) => forward.indexOf(axis)))];
  },
  Concat: ({ inputs, attributes: { axis } }, [dy]) => {
    const sizes = inputs.map((part) => Number(dimAt(part.shape, axis as number)));
    // One Split serves every input that wants its piece.
    let pieces: Tensor[] | undefined;
    return inputs.map((_, i) => () => (pieces ??= Split(dy, sizes, axis as number))[i] as Tensor);
  },
  Split: ({ attributes: { axis }, outputs }, dys) => {
    // A piece that nothing used has gradient zero.
    const zeros = (piece: Tensor): Tensor => expandLike(piece.graph.constant('float32', 0), piece);
    return [() => Concat(outputs.map((piece, i) => dys[i] ?? zeros(piece)), axis as number)];
  },
};
