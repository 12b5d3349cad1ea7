import { Graph } from '../../../../engine/graph/graph';
import { orthogonalise } from '../../../../engine/model/pretraining/muon';
import { gaussian, randomStream } from '../../../../engine/model/random';
import { GraphRunner } from '../../graph/run-graph';

const runner = new GraphRunner();
afterAll(() => runner.close());

describe('orthogonalise', () => {
  test.each([
    ['wide', 4, 12],
    ['tall', 12, 4],
  ])('gives %s matrices rows or columns that are nearly orthonormal', async (_, m, n) => {
    const graph = new Graph();
    graph.output('o', orthogonalise(graph.input('g', 'float32', [2, m, n])));
    const random = randomStream(1);
    const data = Array.from({ length: 2 * m * n }, () => gaussian(random));
    const [result] = await runner.run(graph, [{ g: { data, shape: [2, m, n] } }]);
    const o = result?.['o'] as number[];
    // Singular values within 0.6 and 1.3: so are the norms of the short side, and products across it are small.
    const short = Math.min(m, n);
    const long = Math.max(m, n);
    const element = (i: number, j: number): number => (m <= n ? o[i * n + j] : o[j * n + i]) as number;
    const dot = (i: number, k: number): number => Array.from({ length: long }, (_x, j) => element(i, j) * element(k, j)).reduce((a, b) => a + b, 0);
    for (let i = 0; i < short; i += 1) {
      expect(dot(i, i)).toBeGreaterThan(0.36);
      expect(dot(i, i)).toBeLessThan(1.7);
      for (let k = 0; k < i; k += 1) expect(Math.abs(dot(i, k))).toBeLessThan(0.5);
    }
  });
});
