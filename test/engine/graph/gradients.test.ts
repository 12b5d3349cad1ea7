import { checkpoint } from '../../../engine/graph/checkpoint';
import { Graph } from '../../../engine/graph/graph';
import { liveNodes } from '../../../engine/graph/live-nodes';
import { gradientRules, gradients } from '../../../engine/graph/gradients';
import * as elementwise from '../../../engine/graph/ops/elementwise';
import { Gather, GatherElements } from '../../../engine/graph/ops/gather';
import { MatMul } from '../../../engine/graph/ops/mat-mul';
import { RMSNormalization } from '../../../engine/graph/ops/normalization';
import { ReduceMean, ReduceSum, ReduceSumSquare } from '../../../engine/graph/ops/reduce';
import { RotaryEmbedding } from '../../../engine/graph/ops/rotary-embedding';
import { Concat, Reshape, Split, Transpose } from '../../../engine/graph/ops/shape';
import { LogSoftmax, Softmax } from '../../../engine/graph/ops/softmax';
import type { Tensor } from '../../../engine/graph/tensor';
import { type Differentiated, expectSlopes } from './finite-differences';
import { GraphRunner } from './run-graph';

// Every rule against central differences of the forward graph that it belongs to.

const { Add, Sub, Mul, Div, Neg, Exp, Sqrt, Reciprocal, Sigmoid, Where, Equal } = elementwise;

interface Case extends Differentiated {
  readonly rule: string;
  readonly name: string;
}

const B = ['B', 2] as const;
const T = ['T', 3] as const;

const cases: readonly Case[] = [
  { rule: 'Add', name: 'with a broadcast', shapes: [[B, 3], [3]], build: (_, [a, b]) => Add(a, b) },
  { rule: 'Sub', name: 'with a broadcast inside', shapes: [[B, 3, 2], [B, 1, 2]], build: (_, [a, b]) => Sub(a, b) },
  { rule: 'Mul', name: 'with a broadcast of both', shapes: [[B, 1], [1, 3]], build: (_, [a, b]) => Mul(a, b) },
  { rule: 'Mul', name: 'by itself', shapes: [[B, 3]], build: (_, [a]) => Mul(a, a) },
  { rule: 'Div', name: 'of broadcast', shapes: [[3], [B, 3]], build: (_, [a, b]) => Div(a, b), range: [0.5, 2] },
  { rule: 'Neg', name: 'plain', shapes: [[B]], build: (_, [a]) => Neg(a) },
  { rule: 'Exp', name: 'plain', shapes: [[B, 3]], build: (_, [a]) => Exp(a) },
  { rule: 'Sqrt', name: 'plain', shapes: [[B, 3]], build: (_, [a]) => Sqrt(a), range: [0.5, 2] },
  { rule: 'Reciprocal', name: 'plain', shapes: [[B, 3]], build: (_, [a]) => Reciprocal(a), range: [0.5, 2] },
  { rule: 'Sigmoid', name: 'plain', shapes: [[B, 3]], build: (_, [a]) => Sigmoid(a) },
  { rule: 'Cast', name: 'float to float', shapes: [[B, 3]], build: (g, [a]) => g.emit('Cast', [a], { to: { dtype: 'float32' } }, [a])[0] as Tensor },
  { rule: 'Identity', name: 'plain', shapes: [[B]], build: (g, [a]) => g.emit('Identity', [a], {}, [a])[0] as Tensor },
  {
    rule: 'Where',
    name: 'of two inputs, one broadcast',
    shapes: [[2, 3], [3]],
    build: (g, [a, b]) => Where(Equal(g.constant('int64', [0, 1, 0]), g.constant('int64', 0)), a, b),
  },
  { rule: 'ReduceSum', name: 'over the middle', shapes: [[2, T, 2]], build: (_, [a]) => ReduceSum(a, [1]) },
  { rule: 'ReduceMean', name: 'over known and named dims', shapes: [[2, T, 4]], build: (_, [a]) => ReduceMean(a, [-1, 1]) },
  { rule: 'ReduceSumSquare', name: 'over the last', shapes: [[B, 3]], build: (_, [a]) => ReduceSumSquare(a, [-1]) },
  { rule: 'Reshape', name: 'with named dims', shapes: [[B, T, 4]], build: (_, [a]) => Reshape(a, ['B*T', 2, 2]) },
  { rule: 'Transpose', name: 'a rotation of three axes', shapes: [[B, T, 4]], build: (_, [a]) => Transpose(a, [2, 0, 1]) },
  { rule: 'Concat', name: 'of unlike sizes', shapes: [[B, 1], [B, 3]], build: (_, [a, b]) => Concat([a, b], -1) },
  {
    rule: 'Split',
    name: 'with a piece unused',
    shapes: [[B, 6]],
    build: (_, [a]) => {
      const [first, , third] = Split(a, [1, 2, 3], 1) as [Tensor, Tensor, Tensor];
      return Mul(first, third);
    },
  },
  { rule: 'MatMul', name: 'of two batches', shapes: [[B, T, 4], [B, 4, 2]], build: (_, [a, b]) => MatMul(a, b) },
  { rule: 'MatMul', name: 'of a batch by a shared matrix', shapes: [[B, T, 4], [4, 2]], build: (_, [a, b]) => MatMul(a, b) },
  { rule: 'MatMul', name: 'with a broadcast batch', shapes: [[B, 2, T, 4], [1, 2, 4, 3]], build: (_, [a, b]) => MatMul(a, b) },
  { rule: 'Softmax', name: 'plain', shapes: [[B, 4]], build: (_, [a]) => Softmax(a) },
  { rule: 'LogSoftmax', name: 'plain', shapes: [[B, 4]], build: (_, [a]) => LogSoftmax(a) },
  { rule: 'RMSNormalization', name: 'of input and scale', shapes: [[B, T, 4], [4]], build: (_, [a, b]) => RMSNormalization(a, b, 1e-5) },
  {
    rule: 'RotaryEmbedding',
    name: 'of two heads',
    shapes: [[2, T, 8]],
    build: (g, [a]) => {
      const angles = Reshape(g.constant('float32', [0, 0, 0.3, 0.1, 0.6, 0.2]), [3, 2]);
      const positions = Reshape(g.constant('int64', [0, 1, 2, 2, 1, 0]), [2, 3]);
      const tables = { cos: elementwise.Cos(angles), sin: elementwise.Sin(angles) };
      return RotaryEmbedding(a, tables.cos, tables.sin, { ...positions, shape: [2, 'T'] }, 2);
    },
  },
  { rule: 'Gather', name: 'of repeated rows', shapes: [[4, 2]], build: (g, [a]) => Gather(a, g.constant('int64', [1, 3, 1])) },
  {
    rule: 'GatherElements',
    name: 'of one a row',
    shapes: [[2, 4]],
    build: (g, [a]) => GatherElements(a, Reshape(g.constant('int64', [3, 0]), [2, 1])),
  },
];

const runner = new GraphRunner();
afterAll(() => runner.close());

describe('gradient rules', () => {
  test.each(cases)('$rule $name', async ({ shapes, build, range = [-1, 1] }) => {
    await expectSlopes(runner, { shapes, build, range });
  });

  test('every rule has a case', () => {
    expect([...new Set(cases.map(({ rule }) => rule))].sort()).toEqual(Object.keys(gradientRules).sort());
  });
});

describe('gradients', () => {
  test('adds up the uses of a tensor', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const [slope] = gradients(Add(Mul(x, x), Mul(x, 3)), [x]);
    graph.output('slope', slope as Tensor);
    await expect(runner.run(graph, [{ x: { data: [1, -2], shape: [2] } }])).resolves.toEqual([{ slope: [5, -1] }]);
  });

  test('appends nothing for what no parameter depends on', () => {
    const graph = new Graph();
    const frozen = graph.input('frozen', 'float32', [2, 2]);
    const x = graph.input('x', 'float32', [2, 2]);
    const loss = MatMul(Exp(frozen), x);
    const before = graph.nodes.length;
    gradients(loss, [x]);
    const appended = graph.nodes.slice(before).flatMap(({ inputs }) => inputs.map((input) => input?.name));
    expect(appended).not.toContain('frozen');
  });

  test('names a parameter that the loss does not depend on', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const y = graph.input('y', 'float32', [2]);
    expect(() => gradients(Exp(x), [y])).toThrow('the loss does not depend on y');
  });

  test('names an operator without a rule', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', [2]);
    const [odd] = graph.emit('Tan', [x], {}, [x]);
    expect(() => gradients(odd as Tensor, [x])).toThrow('Tan has no rule');
  });
});

describe('checkpoint', () => {
  const shape = [1, 2, 2];
  const feeds = { x: { data: [0.3, -0.2, 0.5, 0.1], shape }, w: { data: [1, 2, -1, 0.5], shape } };

  /** Two layers exp(x w), the second computed again. */
  async function slopes(again: boolean): Promise<Record<string, number[]> | undefined> {
    const graph = new Graph();
    const x = graph.input('x', 'float32', shape);
    const w = graph.input('w', 'float32', shape);
    const layer = (before: Tensor): Tensor => Exp(MatMul(before, w));
    const first = layer(x);
    const loss = again ? checkpoint(layer, first, [w], true) : layer(first);
    gradients(loss, [x, w]).forEach((slope, i) => graph.output(`d${['x', 'w'][i]}`, slope));
    return (await runner.run(graph, [feeds]))[0];
  }

  test('gives the gradients of what it computes again', async () => {
    expect(await slopes(true)).toEqual(await slopes(false));
  });

  test('leaves nodes that no result depends on out of the model', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', shape);
    const result = Exp(x);
    Mul(result, 2);
    graph.output('y', result);
    expect(liveNodes(graph).map(({ operator }) => operator)).toEqual(['Exp']);
  });
});

describe('shapes', () => {
  const graph = new Graph();
  const a = graph.input('a', 'float32', ['B', 3]);
  test.each([
    ['a broadcast of unlike dims', () => Add(a, graph.input('b', 'float32', ['B', 4])), /\[B, 3\] and \[B, 4\] do not broadcast/],
    ['a product of unlike inner dims', () => MatMul(a, graph.input('c', 'float32', [4, 2])), /MatMul: \[B, 3\] by \[4, 2\]/],
    ['a reshape to another size', () => Reshape(a, ['B', 4]), /Reshape: \[B, 3\]/],
    ['a name used twice', () => graph.input('a', 'float32', [1]), /tensor a: the name is taken/],
    ['a size that no input has', () => graph.sizeOf('Q'), /dim Q: no input/],
  ])('refuses %s', (_, build, message) => {
    expect(build).toThrow(message);
  });
});
