import { Graph } from '../../../../engine/graph/graph';
import { MatMulNBits } from '../../../../engine/graph/ops/mat-mul-n-bits';
import { blockSizeFor, quantiseBlocks } from '../../../../engine/model/architecture/block-quantisation';
import { randomStream, symmetric } from '../../../../engine/model/random';
import { GraphRunner } from '../../graph/run-graph';

const runner = new GraphRunner();
afterAll(() => runner.close());

const blockSizeOf = (width: number, bits: 4 | 8): number => blockSizeFor(width, bits === 8 ? 'long' : 'short') as number;

/** What a weight [out, width] is taken for: its products with unit vectors. */
async function rounded(weight: Float32Array, out: number, width: number, bits: 4 | 8): Promise<number[]> {
  const blockSize = blockSizeOf(width, bits);
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['M', width]);
  const blocks = graph.weight('w', 'float32', [weight.length / blockSize, blockSize], { bytes: new Uint8Array(weight.buffer) });
  graph.output('y', MatMulNBits(x, quantiseBlocks(blocks, [out, width], bits)));
  const units = Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
  const [result] = await runner.run(graph, [{ x: { data: units, shape: [width, width] } }]);
  // y is [width, out]: W'.
  return Array.from(weight, (_, i) => (result as { y: number[] }).y[(i % width) * out + Math.floor(i / width)] as number);
}

const random = randomStream(7);

describe.each([4, 8] as const)('weights in %i bits', (bits) => {
  const [out, width] = [6, 64];
  const blockSize = blockSizeOf(width, bits);
  const weight = Float32Array.from({ length: out * width }, () => symmetric(random) ** 3);
  weight.fill(0, 0, blockSize);

  test('are within half a step of what they were; at the far end of a block within one', async () => {
    const got = await rounded(weight, out, width, bits);
    for (let start = 0; start < weight.length; start += blockSize) {
      const block = weight.subarray(start, start + blockSize);
      const farthest = Math.max(...block.map(Math.abs));
      const step = farthest / 2 ** (bits - 1);
      const errors = Array.from(block, (value, i) => Math.abs((got[start + i] as number) - value));
      const atEnd = Array.from(block, (value) => Math.abs(value) > farthest - step);
      // The product itself rounds a little.
      expect(Math.max(0, ...errors.filter((_, i) => !atEnd[i]))).toBeLessThanOrEqual(0.51 * step + 1e-6);
      expect(Math.max(...errors)).toBeLessThanOrEqual(1.01 * step + 1e-6);
    }
  });

  test('keep the farthest of each block, whatever its sign, and zeros', async () => {
    const got = await rounded(weight, out, width, bits);
    expect(got.slice(0, blockSize)).toEqual(new Array<number>(blockSize).fill(0));
    for (let start = blockSize; start < weight.length; start += blockSize) {
      const block = Array.from(weight.subarray(start, start + blockSize));
      const at = block.reduce((best, value, i) => (Math.abs(value) > Math.abs(block[best] as number) ? i : best), 0);
      expect((got[start + at] as number) / (block[at] as number)).toBeCloseTo(1, 2);
    }
  });
});

test('the longest block that divides a width is taken, and none where none does', () => {
  expect([4864, 704, 96, 48, 40].map((width) => blockSizeFor(width, 'long'))).toEqual([128, 64, 32, 16, undefined]);
  expect([4864, 48, 40].map((width) => blockSizeFor(width, 'short'))).toEqual([32, 16, undefined]);
});
