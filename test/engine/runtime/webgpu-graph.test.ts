import { Graph } from '../../../engine/graph/graph';
import { LogSoftmax } from '../../../engine/graph/ops/softmax';
import { Split } from '../../../engine/graph/ops/shape';
import { fitForWebGpu } from '../../../engine/runtime/webgpu-graph';
import { GraphRunner } from '../graph/run-graph';

const runner = new GraphRunner();
afterAll(() => runner.close());

const COUNTS = [8, 50, 64] as const;

/** A row of `count` numbers, split into pieces of one and two in turns, and log-softmaxed. */
function graphOf(count: number): Graph {
  const graph = new Graph();
  const sizes: number[] = [];
  for (let left = count; left > 0; left -= sizes.at(-1) ?? 0) sizes.push(Math.min(left, sizes.length % 2 === 0 ? 1 : 2));
  const x = graph.input('x', 'float32', ['N', count]);
  Split(x, sizes, 1).forEach((piece, i) => graph.output(`piece ${i}`, piece));
  graph.output('logSoftmax', LogSoftmax(x));
  return graph;
}

describe.each(COUNTS)('a graph of %d columns made fit for WebGPU', (count) => {
  it('gives what it gave before, within what its kernels can do', async () => {
    const feeds = [{ x: { data: Array.from({ length: 2 * count }, (_, i) => 30 * Math.sin(i)), shape: [2, count] } }];
    const [before] = await runner.run(graphOf(count), feeds);
    const fit = graphOf(count);
    fitForWebGpu(fit);
    expect(fit.nodes.filter(({ operator, outputs }) => operator === 'LogSoftmax' || outputs.length > 7)).toEqual([]);
    const [after] = await runner.run(fit, feeds);
    const { logSoftmax: exact = [], ...pieces } = before ?? {};
    const { logSoftmax: spelledOut = [], ...samePieces } = after ?? {};
    expect(Object.keys(pieces).length).toBeGreaterThan(4);
    expect(samePieces).toEqual(pieces);
    expect(Math.max(...exact.map((value, i) => Math.abs(value - (spelledOut[i] ?? Number.NaN))))).toBeLessThan(1e-5);
  });
});
