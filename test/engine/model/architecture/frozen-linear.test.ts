import type { BasePrecision } from '../../../../campaign/language-model';
import { Graph } from '../../../../engine/graph/graph';
import { gradients } from '../../../../engine/graph/gradients';
import { Mul } from '../../../../engine/graph/ops/elementwise';
import { MatMulNBits } from '../../../../engine/graph/ops/mat-mul-n-bits';
import { Reshape } from '../../../../engine/graph/ops/shape';
import type { Tensor } from '../../../../engine/graph/tensor';
import type { Weights } from '../../../../engine/model/architecture/base-weights';
import { quantiseBlocks } from '../../../../engine/model/architecture/block-quantisation';
import { trainingLinear } from '../../../../engine/model/architecture/frozen-linear';
import { randomStream, symmetric } from '../../../../engine/model/random';
import { GraphRunner, type Values } from '../../graph/run-graph';

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

/** Of each row, an adapter each, in a base of this precision: its product and its gradient. */
async function trained(rows: readonly Row[], precision: BasePrecision = 'int8'): Promise<{ y: number[]; dx: number[] }[]> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 'M', WIDTH]);
  const slope = graph.input('slope', 'float32', ['N', 'M', OUT]);
  const weight: Weights = (_, rowLength = WIDTH) => Reshape(graph.constant('float32', weights), [weights.length / rowLength, rowLength]);
  const y = trainingLinear(weight, precision, false)('w', x);
  graph.output('y', y);
  graph.output('dx', gradients(Mul(y, slope), [x])[0] as Tensor);
  const feed = (data: number[], width: number): Values => ({ data, shape: [rows.length, 1, width] });
  const feeds = { x: feed(rows.flatMap((row) => row.x), WIDTH), slope: feed(rows.flatMap((row) => row.slope), OUT) };
  const [results] = (await runner.run(graph, [feeds])) as [{ y: number[]; dx: number[] }];
  return rows.map((_, n) => ({ y: results.y.slice(n * OUT, (n + 1) * OUT), dx: results.dx.slice(n * WIDTH, (n + 1) * WIDTH) }));
}

const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
const relativeError = (values: readonly number[] = [], exact: readonly number[] = []): number => rms(values.map((value, i) => value - (exact[i] as number))) / rms(exact);

describe('a projection of the 8-bit base', () => {
  const [row, neighbour] = [randomRow(), randomRow()];

  test("of one candidate does not change by a bit where another candidate's row has an outlier of 300, or where it is alone", async () => {
    const [beside] = await trained([row, neighbour]);
    expect(await trained([row])).toEqual([beside]);
    const besideOutlier = await trained([row, { x: withOutlier(neighbour.x), slope: withOutlier(neighbour.slope) }]);
    expect(besideOutlier[0]).toEqual(beside);
  });

  test('is as near to the exact one for tiny and huge rows, and for those of tiny and huge slopes', async () => {
    const rows = [1e-12, 1, 1e6].map((factor) => ({ x: row.x.map((value) => value * factor), slope: row.slope.map((value) => value * factor) }));
    const [rounded, exact] = [await trained(rows), await trained(rows, 'float32')];
    for (const [n, { y, dx }] of exact.entries()) {
      expect(relativeError(rounded[n]?.y, y)).toBeLessThan(0.01);
      expect(relativeError(rounded[n]?.dx, dx)).toBeLessThan(0.02);
      expect(relativeError(rounded[n]?.dx, dx)).toBeGreaterThan(0);
    }
  });

  test('forward, an outlier in a row leaves the rest of that row as exact as it was', async () => {
    const outlier = (x: readonly number[]): Row => ({ x, slope: row.slope });
    const rows = [outlier(withOutlier(row.x)), outlier(withOutlier(row.x.map((value, i) => (i < 32 ? value : 0))))];
    // Their difference is what the other blocks of the row give.
    const rest = (both: readonly { y: number[] }[]): number[] => (both[0]?.y ?? []).map((value, o) => value - (both[1]?.y[o] as number));
    expect(relativeError(rest(await trained(rows)), rest(await trained(rows, 'float32')))).toBeLessThan(0.01);
  });

  test('of zeros is 0, forward and backward', async () => {
    const [result] = await trained([{ x: row.x.map(() => 0), slope: row.slope.map(() => 0) }, row]);
    expect(result?.y.concat(result.dx)).toEqual(new Array(OUT + WIDTH).fill(0));
  });

  test('backward, no weight has more than 63 steps, so that a processor without VNNI overflows nowhere', async () => {
    // The gradient of a slope of 1 in one place is a row of the weight as it was rounded.
    const slopes = Array.from({ length: OUT }, (_, o) => Array.from({ length: OUT }, (__, i) => (i === o ? 1 : 0)));
    const rounded = (await trained(slopes.map((slope) => ({ x: row.x, slope })))).map(({ dx }) => dx);
    for (let i = 0; i < WIDTH; i += 1) {
      const column = rounded.map((dx) => Math.abs(dx[i] as number));
      const steps = column.map((value) => (63 * value) / Math.max(...column));
      expect(Math.max(...steps.map((step) => Math.abs(step - Math.round(step))))).toBeLessThan(1e-3);
    }
  });

  test('whose width no block divides stays exact', async () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['M', 3]);
    graph.output('y', trainingLinear(() => Reshape(graph.constant('float32', [1, 2, 3.3, 4, 5, 6]), [2, 3]), 'int8', false)('w', x));
    const [result] = await runner.run(graph, [{ x: { data: [1, 0, 1], shape: [1, 3] } }]);
    expect(result?.['y']).toEqual([Math.fround(1 + Math.fround(3.3)), 10]);
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
