import type { Graph } from '../graph/graph';
import type { Node, Tensor } from '../graph/tensor';

/** Every WebGPU device binds 8 buffers to one operator, not every one more; the input is one of them. */
const PIECES = 7;

/**
 * Rewrites what WebGPU's kernels cannot run as it stands: a `Split` into many pieces becomes splits of splits, and `LogSoftmax`, which
 * has no kernel there, is spelled out, so that the logits stay on the device.
 */
export function fitForWebGpu(graph: Graph): void {
  const nodes = graph.nodes.splice(0);
  for (const node of nodes) {
    if (node.operator === 'Split' && node.outputs.length > PIECES) splitInSteps(graph, node);
    else if (node.operator === 'LogSoftmax') spellOutLogSoftmax(graph, node);
    else graph.nodes.push(node);
  }
}

/** Splits `node`'s input into at most PIECES runs of neighbouring pieces, then each of these, until every piece is itself. */
function splitInSteps(graph: Graph, node: Node): void {
  const [input] = node.inputs;
  const axis = Number(node.attributes['axis']);
  if (input === undefined) throw new TypeError('Split has no input');
  const size = (piece: Tensor): number => {
    const length = piece.shape[axis];
    if (typeof length !== 'number') throw new TypeError(`Split: piece ${piece.name} has no fixed length`);
    return length;
  };
  const split = (whole: Tensor, pieces: readonly Tensor[]): void => {
    if (pieces.length <= PIECES) {
      const sizes = graph.constant('int64', pieces.map(size));
      graph.nodes.push({ operator: 'Split', inputs: [whole, sizes], attributes: { axis }, outputs: pieces });
      return;
    }
    const run = Math.ceil(pieces.length / PIECES);
    const runs = Array.from({ length: Math.ceil(pieces.length / run) }, (_, i) => pieces.slice(i * run, (i + 1) * run));
    const lengths = runs.map((members) => members.reduce((sum, piece) => sum + size(piece), 0));
    const parts = graph.emit(
      'Split',
      [whole, graph.constant('int64', lengths)],
      { axis },
      lengths.map((length) => ({ dtype: whole.dtype, shape: whole.shape.map((dim, i) => (i === axis ? length : dim)) })),
    );
    runs.forEach((members, i) => {
      const [only] = members;
      if (members.length === 1 && only !== undefined) graph.nodes.push({ operator: 'Identity', inputs: [parts[i]], attributes: {}, outputs: [only] });
      else split(parts[i] as Tensor, members);
    });
  };
  split(input, node.outputs);
}

/** With d = x - max(x):  d - log(sum(exp(d))), along the node's axis. */
function spellOutLogSoftmax(graph: Graph, { inputs: [x], attributes: { axis }, outputs }: Node): void {
  if (x === undefined || typeof axis !== 'number') throw new TypeError('LogSoftmax needs an input and an axis');
  const at = axis < 0 ? axis + x.shape.length : axis;
  const reduced = { dtype: x.dtype, shape: x.shape.map((dim, i) => (i === at ? 1 : dim)) };
  const axes = graph.constant('int64', [at]);
  const emit = (operator: string, from: readonly Tensor[], result: Pick<Tensor, 'dtype' | 'shape'>, attributes: Node['attributes'] = {}): Tensor =>
    graph.emit(operator, from, attributes, [result])[0] as Tensor;
  const distance = emit('Sub', [x, emit('ReduceMax', [x, axes], reduced, { keepdims: 1 })], x);
  const sum = emit('ReduceSum', [emit('Exp', [distance], x), axes], reduced, { keepdims: 1 });
  graph.nodes.push({ operator: 'Sub', inputs: [distance, emit('Log', [sum], reduced)], attributes: {}, outputs });
}
