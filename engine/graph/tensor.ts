import type { CustomGradient } from './custom-gradient';
import type { Graph } from './graph';

export type DType = 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int8' | 'uint8' | 'uint32' | 'bool';

/** A size: known, or a name bound at run time. A product of names is written `B*T`. */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** A value in a graph; the graph's own nodes and inputs make them. */
export interface Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** What computes it; absent for inputs, weights and constants. */
  readonly producer?: Node;
}

export type AttributeValue = number | string | readonly number[] | { readonly float: number } | { readonly dtype: DType };

/** One application of an ONNX operator. */
export interface Node {
  /** With its domain before a dot, unless it is ONNX's own. */
  readonly operator: string;
  /** Undefined stands for an optional input left out. */
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly outputs: readonly Tensor[];
  /** Takes the place of the operator's rule (`withGradient`). */
  readonly gradient?: { readonly sources: readonly Tensor[]; readonly rule: CustomGradient };
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** Product of dims: numbers multiplied, names sorted, so that equal products compare equal. */
export function productOf(dims: Shape): Dim {
  let factor = 1;
  const names: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') factor *= dim;
    else {
      for (const part of dim.split('*')) {
        if (/^\d+$/.test(part)) factor *= Number(part);
        else names.push(part);
      }
    }
  }
  if (names.length === 0) return factor;
  names.sort();
  return factor === 1 ? names.join('*') : `${factor}*${names.join('*')}`;
}

/** The dim at `axis`, which may count from the end. */
export function dimAt(shape: Shape, axis: number): Dim {
  const dim = shape.at(axis);
  if (dim === undefined) throw new RangeError(`axis ${axis} of shape ${showShape(shape)}`);
  return dim;
}

/** NumPy broadcasting over dims; a name broadcasts against 1 only. */
export function broadcastShapes(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new TypeError(`shapes ${showShape(a)} and ${showShape(b)} do not broadcast: axis ${axis} is ${x} and ${y}`);
  });
}
