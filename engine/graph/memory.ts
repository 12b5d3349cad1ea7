import type { Graph } from './graph';
import type { DType, Dim, Node, Tensor } from './tensor';

/** Bytes that a graph holds, by what they are for. */
export interface GraphMemory {
  /** Weights that ONNX Runtime holds as it computes with them: cast, transposed, laid out for its matrix products. */
  readonly weights: number;
  /** Weights that are read where they lie, in a mapped file. */
  readonly mapped: number;
  /** Weights that are stored in another type, once cast: memory that is free again when the session is open, for values to take. */
  readonly cast: number;
  /** All that is computed from weights alone: it is held until the session is open. */
  readonly folded: number;
  /** The most that values computed in one run take at once. */
  readonly values: number;
  /** Operators of a run: those of weights alone are gone when the session is open. */
  readonly operators: number;
}

export interface MemoryOptions {
  /** Each matrix product lays out its weight anew (`SessionOptions.prepacking`). @default true */
  readonly prepacking?: boolean;
}

/** Run-time size of each named dim. */
export type DimSizes = Readonly<Record<string, number>>;

/** `float32` has four, `bfloat16` two. */
const elementBytes = (dtype: DType): number => (dtype === 'bool' ? 1 : Number(/\d+$/.exec(dtype)?.[0]) / 8);

/** Read a weight as their second input. */
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'Gemm']);
/** Give a value another shape or name, in the same memory. */
const ALIASES: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);
/** May write where an input of the same size lies that nobody reads afterwards. */
const IN_PLACE: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Exp', 'Sqrt', 'Sigmoid', 'Reciprocal', 'Tanh', 'Where']);

/**
 * What a graph holds while it runs, by walking it once: a value lives from the node that computes it to the last that reads it. What
 * follows from weights alone is computed when the session opens, and with `prepacking` each matrix product keeps its own copy of a weight.
 */
export function graphMemory(graph: Graph, sizes: DimSizes, { prepacking = true }: MemoryOptions = {}): GraphMemory {
  const nodes = usedNodes(graph);
  const frozen = frozenTensors(graph, nodes);
  const bytesOf = ({ dtype, shape }: Tensor): number => shape.reduce<number>((product, dim) => product * sizeOf(dim, sizes), elementBytes(dtype));
  const running = nodes.filter(({ outputs }) => !outputs.every((output) => frozen.has(output)));
  return { ...frozenBytes(graph, nodes, frozen, bytesOf, prepacking), values: peakBytes(running, frozen, graph, bytesOf), operators: running.length };
}

/** A size, a name, or a product or sum of them. */
function sizeOf(dim: Dim, sizes: DimSizes): number {
  if (typeof dim === 'number') return dim;
  return dim.split('+').reduce((sum, term) => sum + term.split('*').reduce((product, part) => product * named(part, sizes), 1), 0);
}

function named(part: string, sizes: DimSizes): number {
  const size = /^\d+$/.test(part) ? Number(part) : sizes[part];
  if (size === undefined) throw new RangeError(`dim ${part}: no size given`);
  return size;
}

const inputsOf = (node: Node): Tensor[] => node.inputs.filter((input) => input !== undefined);

/** Those that an output needs; the rest is not computed. */
function usedNodes(graph: Graph): Node[] {
  const needed = new Set<Tensor>(graph.outputs);
  const used = [...graph.nodes].reverse().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of inputsOf(node)) needed.add(input);
    return true;
  });
  return used.reverse();
}

/** Weights and what follows from them alone. */
function frozenTensors(graph: Graph, nodes: readonly Node[]): ReadonlySet<Tensor> {
  const frozen = new Set<Tensor>(graph.initializers.map(({ tensor }) => tensor));
  for (const node of nodes) {
    const inputs = inputsOf(node);
    if (inputs.length > 0 && inputs.every((input) => frozen.has(input))) for (const output of node.outputs) frozen.add(output);
  }
  return frozen;
}

function frozenBytes(graph: Graph, nodes: readonly Node[], frozen: ReadonlySet<Tensor>, bytesOf: (tensor: Tensor) => number, prepacking: boolean): Omit<GraphMemory, 'values' | 'operators'> {
  const external = new Set(graph.initializers.filter(({ source }) => 'file' in source).map(({ tensor }) => tensor));
  const held = new Set<Tensor>();
  let packed = 0;
  for (const node of nodes) {
    if (node.outputs.every((output) => frozen.has(output))) continue;
    inputsOf(node).forEach((input, i) => {
      if (!frozen.has(input)) return;
      if (prepacking && PRODUCTS.has(node.operator) && i === 1) packed += bytesOf(input);
      else held.add(sourceOf(input));
    });
  }
  const [mapped, copied] = [[...held].filter((tensor) => external.has(tensor)), [...held].filter((tensor) => !external.has(tensor))];
  const sum = (tensors: readonly Tensor[]): number => tensors.reduce((bytes, tensor) => bytes + bytesOf(tensor), 0);
  const casts = nodes.filter(({ operator, inputs: [input], outputs: [output] }) => operator === 'Cast' && output !== undefined && frozen.has(output) && input?.dtype !== output.dtype);
  const folded = nodes.flatMap(({ outputs }) => outputs.filter((output) => frozen.has(output)));
  return { weights: packed + sum(copied), mapped: sum(mapped), cast: sum(casts.flatMap(({ outputs }) => outputs)), folded: sum(folded) };
}

/** The tensor whose memory this one is: a cast to the type that is stored changes nothing. */
function sourceOf(tensor: Tensor): Tensor {
  const { producer } = tensor;
  const [input] = producer?.inputs ?? [];
  const changesNothing = producer !== undefined && (ALIASES.has(producer.operator) || (producer.operator === 'Cast' && input?.dtype === tensor.dtype));
  return changesNothing && input !== undefined ? sourceOf(input) : tensor;
}

function peakBytes(nodes: readonly Node[], frozen: ReadonlySet<Tensor>, graph: Graph, bytesOf: (tensor: Tensor) => number): number {
  const owner = new Map<Tensor, Tensor>();
  const ownerOf = (tensor: Tensor): Tensor => owner.get(tensor) ?? tensor;
  const foreign = new Set<Tensor>([...frozen, ...graph.inputs]);
  const lastReader = new Map<Tensor, Node | null>();
  for (const node of nodes) {
    const [source] = node.inputs;
    const [result] = node.outputs;
    if (ALIASES.has(node.operator) && source !== undefined && result !== undefined) owner.set(result, ownerOf(source));
    for (const input of inputsOf(node)) lastReader.set(ownerOf(input), node);
  }
  // Results outlive the run.
  for (const output of graph.outputs) lastReader.set(ownerOf(output), null);

  let live = 0;
  let peak = 0;
  for (const node of nodes) {
    if (ALIASES.has(node.operator)) continue;
    const dying = [...new Set(inputsOf(node).map(ownerOf))].filter((tensor) => lastReader.get(tensor) === node && !foreign.has(tensor));
    const freed = dying.reduce((bytes, tensor) => bytes + bytesOf(tensor), 0);
    const made = node.outputs.reduce((bytes, output) => bytes + bytesOf(output), 0);
    const inPlace = IN_PLACE.has(node.operator) && dying.some((tensor) => bytesOf(tensor) === made);
    peak = Math.max(peak, live + (inPlace ? 0 : made));
    live += made - freed;
    peak = Math.max(peak, live);
  }
  return peak;
}
