import { Graph } from '../../../../engine/graph/graph';
import { MatMul } from '../../../../engine/graph/ops/mat-mul';
import { Reshape, transposeLast } from '../../../../engine/graph/ops/shape';
import type { Tensor } from '../../../../engine/graph/tensor';
import { trainingLinear } from '../../../../engine/model/architecture/frozen-linear';
import { frozenHeadLogProbabilities, labelLogProbabilities } from '../../../../engine/model/architecture/loss';
import { swiGlu } from '../../../../engine/model/architecture/swiglu';
import { type Differentiated, expectSlopes } from '../../graph/finite-differences';
import { GraphRunner } from '../../graph/run-graph';

// Values whose gradient is written by hand instead of following from their operators (`withGradient`), against central differences.

const runner = new GraphRunner();
afterAll(() => runner.close());

/** A weight [5, 3], the same in every graph. */
const weight = (graph: Graph): Tensor => Reshape(graph.constant('float32', Array.from({ length: 15 }, (_, i) => Math.sin(3 * i))), [5, 3]);
const labels = (graph: Graph): Tensor => Reshape(graph.constant('int64', [4, 0, 2, 2]), [2, 2]);

const cases: readonly (Differentiated & { readonly name: string })[] = [
  { name: 'swiGlu of gate and up', shapes: [[['B', 2], 3], [['B', 2], 3]], build: (_, [gate, up]) => swiGlu(gate, up) },
  {
    name: 'frozenHeadLogProbabilities of the hidden state',
    shapes: [[2, 2, 3]],
    build: (graph, [hidden]) => {
      const head = weight(graph);
      return frozenHeadLogProbabilities(MatMul(hidden, transposeLast(head)), hidden, head, labels(graph));
    },
  },
  {
    name: 'a frozen projection of a weight that is held once',
    shapes: [[['B', 2], 2, 3]],
    build: (graph, [x]) => trainingLinear(() => weight(graph), 'float32', true)('w', x),
  },
];

test.each(cases)('$name', async (differentiated) => expectSlopes(runner, differentiated));

test('frozenHeadLogProbabilities are those of labels, also where logits are far apart', async () => {
  const probabilities = async (build: (graph: Graph, hidden: Tensor, logits: Tensor, head: Tensor) => Tensor): Promise<readonly number[]> => {
    const graph = new Graph();
    const hidden = graph.input('hidden', 'float32', [2, 2, 3]);
    const head = weight(graph);
    graph.output('result', build(graph, hidden, MatMul(hidden, transposeLast(head)), head));
    const feeds = { hidden: { data: Array.from({ length: 12 }, (_, i) => 40 * Math.cos(i)), shape: [2, 2, 3] } };
    const [results] = await runner.run(graph, [feeds]);
    return results?.['result'] ?? [];
  };
  const once = await probabilities((graph, hidden, logits, head) => frozenHeadLogProbabilities(logits, hidden, head, labels(graph)));
  const plain = await probabilities((graph, _, logits) => labelLogProbabilities(logits, labels(graph)));
  expect(plain).toHaveLength(4);
  once.forEach((value, i) => expect(value).toBeCloseTo(plain[i] as number, 4));
});
