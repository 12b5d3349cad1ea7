import { type AttributeValue, type DType, type Dim, type Node, type Shape, type Tensor, showShape } from './tensor';

/** Bytes of a weight: in memory, or a range of a file that ONNX Runtime maps itself. */
export type WeightSource =
  | { readonly bytes: Uint8Array }
  /** `file` is relative to the folder given when the session is opened. */
  | { readonly file: string; readonly byteOffset: number; readonly byteLength: number };

export interface Initializer {
  readonly tensor: Tensor;
  readonly source: WeightSource;
}

/**
 * A symbolic ONNX graph. Operators (`ops/`) append nodes to it; `gradients` walks it backward, appending more; `encodeModel`
 * writes it. Nodes are in an order that respects their inputs, as ONNX asks.
 */
export class Graph {
  readonly inputs: Tensor[] = [];
  readonly outputs: Tensor[] = [];
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  /** Names that results have outside, by their own. */
  readonly outputNames = new Map<string, string>();
  private readonly constants = new Map<string, Tensor>();
  private readonly names = new Set<string>();
  private serial = 0;

  /** A value fed at every run. */
  input(name: string, dtype: DType, shape: Shape): Tensor {
    const tensor = this.tensor(name, dtype, shape);
    this.inputs.push(tensor);
    return tensor;
  }

  /** A frozen weight. */
  weight(name: string, dtype: DType, shape: readonly number[], source: WeightSource): Tensor {
    const tensor = this.tensor(name, dtype, shape);
    this.initializers.push({ tensor, source });
    return tensor;
  }

  /** A small literal, written into the model once however often it is asked for. Rank 1, or 0 for a single number. */
  constant(dtype: 'float32' | 'int64', values: number | readonly number[]): Tensor {
    const list = typeof values === 'number' ? [values] : values;
    const shape = typeof values === 'number' ? [] : [list.length];
    const key = `${dtype}${showShape(shape)}${list.join(' ')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const data = dtype === 'float32' ? Float32Array.from(list) : BigInt64Array.from(list, BigInt);
    const source = { bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
    const tensor = this.weight(this.freshName('constant'), dtype, shape, source);
    this.constants.set(key, tensor);
    return tensor;
  }

  /** Names `tensor` as a result of the model. */
  output(name: string, tensor: Tensor): void {
    if (this.names.has(name)) throw new Error(`tensor ${name}: the name is taken`);
    this.names.add(name);
    // What a node computes is written straight to the result; the rest, and a result of two names, is copied.
    const direct = tensor.producer !== undefined && !this.outputNames.has(tensor.name);
    const result = direct ? tensor : (this.emit('Identity', [tensor], {}, [tensor])[0] as Tensor);
    this.outputNames.set(result.name, name);
    this.outputs.push(result);
  }

  /** Appends one operator; the caller (an op in `ops/`) knows dtype and shape of what comes out. */
  emit(
    operator: string,
    inputs: readonly (Tensor | undefined)[],
    attributes: Readonly<Record<string, AttributeValue>>,
    results: readonly { readonly dtype: DType; readonly shape: Shape }[],
    options: { readonly gradient?: Node['gradient'] & object } = {},
  ): Tensor[] {
    const outputs: Tensor[] = [];
    const node: Node = { operator, inputs, attributes, outputs, ...options };
    for (const { dtype, shape } of results) {
      outputs.push({ ...this.tensor(this.freshName(operator), dtype, shape), producer: node });
    }
    this.nodes.push(node);
    return outputs;
  }

  /** An int64 tensor [1] with the run-time size of a named dim, read off the first input that has it. */
  sizeOf(dim: Dim): Tensor {
    if (typeof dim === 'number') return this.constant('int64', [dim]);
    const key = `size of ${dim}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const size = dim.includes('*') ? this.productSize(dim) : this.inputSize(dim);
    this.constants.set(key, size);
    return size;
  }

  private productSize(dim: string): Tensor {
    const sizes = dim.split('*').map((part) => this.sizeOf(/^\d+$/.test(part) ? Number(part) : part));
    return sizes.reduce((a, b) => this.emit('Mul', [a, b], {}, [{ dtype: 'int64', shape: [1] }])[0] as Tensor);
  }

  private inputSize(dim: string): Tensor {
    const input = this.inputs.find(({ shape }) => shape.includes(dim));
    if (input === undefined) throw new Error(`dim ${dim}: no input of the graph has it`);
    const start = input.shape.indexOf(dim);
    const [size] = this.emit('Shape', [input], { start, end: start + 1 }, [{ dtype: 'int64', shape: [1] }]);
    return size as Tensor;
  }

  private tensor(name: string, dtype: DType, shape: Shape): Tensor {
    if (this.names.has(name)) throw new Error(`tensor ${name}: the name is taken`);
    this.names.add(name);
    return { graph: this, name, dtype, shape };
  }

  private freshName(operator: string): string {
    this.serial += 1;
    return `${operator}_${this.serial}`;
  }
}
