import { Graph } from '../../../../engine/graph/graph';
import { gradients } from '../../../../engine/graph/gradients';
import { MatMulNBits } from '../../../../engine/graph/ops/mat-mul-n-bits';
import { Mul } from '../../../../engine/graph/ops/elementwise';
import { Reshape } from '../../../../engine/graph/ops/shape';
import type { Tensor } from '../../../../engine/graph/tensor';
import { quantiseBlocks } from '../../../../engine/model/architecture/block-quantisation';
import { trainingLinear } from '../../../../engine/model/architecture/frozen-linear';
import { randomStream, symmetric } from '../../../../engine/model/random';
import { GraphRunner } from '../../graph/run-graph';

const runner = new GraphRunner();
afterAll(() => runner.close());

const [WIDTH, OUT] = [96, 64];
const random = randomStream(11);
const numbers = (count: number): number[] => Array.from({ length: count }, () => symmetric(random));
const withOutlier = (values: readonly number[]): number[] => values.map((value, i) => (i === 5 ? 300 : value));
/** [OUT, WIDTH]. */
const weights = numbers(OUT * WIDTH);

interface Row {
  readonly x: readonly number[];
  /** What flows back into its product. */
  readonly slope: readonly number[];
}
const randomRow = (): Row => ({ x: numbers(WIDTH), slope: numbers(OUT) });

/** Of each row, an adapter each, in the 8-bit base: its product and its gradient. */
async function trained(rows: readonly Row[]): Promise<{ y: number[]; dx: number[] }[]> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 'M', WIDTH]);
  const slope = graph.input('slope', 'float32', ['N', 'M', OUT]);
  const y = trainingLinear(() => Reshape(graph.constant('float32', weights), [OUT, WIDTH]), 'int8', false)('w', x);
  graph.output('y', y);
  graph.output('dx', gradients(Mul(y, slope), [x])[0] as Tensor);
  const feed = (data: number[], width: number) => ({ data, shape: [rows.length, 1, width] });
  const feeds = { x: feed(rows.flatMap((row) => row.x), WIDTH), slope: feed(rows.flatMap((row) => row.slope), OUT) };
  const [results] = (await runner.run(graph, [feeds])) as [{ y: number[]; dx: number[] }];
  return rows.map((_, n) => ({ y: results.y.slice(n * OUT, (n + 1) * OUT), dx: results.dx.slice(n * WIDTH, (n + 1) * WIDTH) }));
}

describe('a projection of the 8-bit base', () => {
  const [row, neighbour] = [randomRow(), randomRow()];

  test("of one candidate does not change by a bit where another candidate's row has an outlier of 300, or is not there", async () => {
    const [beside] = await trained([row, neighbour]);
    expect(await trained([row])).toEqual([beside]);
    const besideOutlier = await trained([row, { x: withOutlier(neighbour.x), slope: withOutlier(neighbour.slope) }]);
    expect(besideOutlier[0]).toEqual(beside);
  });

  test('errs by its own rounding alone, however large or small a row and what flows back into it', async () => {
    const scaled = (factor: number): Row => ({ x: row.x.map((value) => value * factor), slope: row.slope.map((value) => value * factor) });
    const factors = [1e-12, 1, 1e6];
    const results = await trained(factors.map(scaled));
    const largest = Math.max(...weights.map(Math.abs));
    /** Half a step of both sides of each of `terms` products, at most; a little for the sum in float32. */
    const bound = (values: readonly number[], terms: number): number => 1.01 * terms * 2 * (0.5 / 127) * Math.max(...values.map(Math.abs)) * largest;
    for (const [n, factor] of factors.entries()) {
      const { x, slope } = scaled(factor);
      const y = Array.from({ length: OUT }, (_, o) => x.reduce((sum, value, i) => sum + value * (weights[o * WIDTH + i] as number), 0));
      const dx = Array.from({ length: WIDTH }, (_, i) => slope.reduce((sum, value, o) => sum + value * (weights[o * WIDTH + i] as number), 0));
      results[n]?.y.forEach((value, o) => expect(Math.abs(value - (y[o] as number))).toBeLessThan(bound(x, WIDTH)));
      results[n]?.dx.forEach((value, i) => expect(Math.abs(value - (dx[i] as number))).toBeLessThan(bound(slope, OUT)));
      // The rounding of many elements cancels: an error of the size of the bound would be no rounding.
      const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      expect(rms((results[n]?.y ?? []).map((value, o) => value - (y[o] as number)))).toBeLessThan(0.02 * rms(y));
      expect(rms((results[n]?.dx ?? []).map((value, i) => value - (dx[i] as number)))).toBeLessThan(0.02 * rms(dx));
    }
  });

  test('of a row of zeros is 0', async () => {
    const zeros = { x: row.x.map(() => 0), slope: row.slope.map(() => 0) };
    const [result] = await trained([zeros, row]);
    expect(Object.values(result ?? {}).flat().every((value) => value === 0)).toBe(true);
    expect(result?.dx).toHaveLength(WIDTH);
  });
});

describe.each([8, 4] as const)('a projection of generation in %i bits', (bits) => {
  test('does not change by a bit where another row has an outlier of 300, wherever a row lies in its batch', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['M', WIDTH]);
    graph.output('y', MatMulNBits(x, quantiseBlocks(Reshape(graph.constant('float32', weights), [(OUT * WIDTH) / 32, 32]), [OUT, WIDTH], bits)));
    const own = numbers(WIDTH);
    for (const M of [2, 5, 40]) {
      for (const place of [0, M - 1]) {
        const neighbours = Array.from({ length: M }, () => numbers(WIDTH));
        const runs = [neighbours, neighbours.map(withOutlier)].map((rows) => ({ x: { data: rows.map((row, m) => (m === place ? own : row)).flat(), shape: [M, WIDTH] } }));
        const [plain, beside] = (await runner.run(graph, runs)).map((result) => result['y']?.slice(place * OUT, (place + 1) * OUT));
        expect(plain).toHaveLength(OUT);
        expect(beside).toEqual(plain);
      }
    }
  });
});
