import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import loadWabt from 'wabt';
import { AdamWKernel, kernelModule } from '../../../../engine/model/training/adamw-kernel';
import { randomStream } from '../../../../engine/model/random';

const SOURCE = join(__dirname, '../../../../../engine/model/training/adamw.wat');
const SCALARS = { beta1: 0.9, firstFactor: 0.07, beta2: 0.999, secondFactor: 0.0005, stepSize: 3e-3, epsilon: 2e-8, decay: 0.999 };

/** Four arrays of `length` elements with a guard of three behind each, filled at random. */
function filled(length: number): { kernel: AdamWKernel; places: Record<'parameters' | 'firstMoment' | 'secondMoment' | 'gradient', number>; room: number } {
  const room = length + 3;
  const kernel = new AdamWKernel(4 * room);
  const random = randomStream(length + 1);
  kernel.view(0, 4 * room).forEach((_, i, all) => (all[i] = random() - 0.5));
  kernel.view(2 * room, room).forEach((_, i, all) => (all[i] = Math.abs(all[i] as number)));
  return { kernel, places: { parameters: 0, firstMoment: room, secondMoment: 2 * room, gradient: 3 * room }, room };
}

test('the shipped module is what adamw.wat assembles to', async () => {
  const wabt = await loadWabt();
  const assembled = wabt.parseWat(SOURCE, readFileSync(SOURCE, 'utf8'), { simd: true }).toBinary({}).buffer;
  expect(Buffer.from(kernelModule()).equals(Buffer.from(assembled))).toBe(true);
});

test('updates every element as AdamW says and nothing beside them, at any length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 67 }), (length) => {
      const { kernel, places, room } = filled(length);
      const before = [...kernel.view(0, 4 * room)];
      kernel.update(places, length, SCALARS);
      const after = [...kernel.view(0, 4 * room)];
      for (let i = 0; i < room; i += 1) {
        const [p, m, v, g] = [0, 1, 2, 3].map((array) => before[array * room + i] as number) as [number, number, number, number];
        const m1 = SCALARS.beta1 * m + SCALARS.firstFactor * g;
        const v1 = SCALARS.beta2 * v + SCALARS.secondFactor * g * g;
        const p1 = SCALARS.decay * p - (SCALARS.stepSize * m1) / (Math.sqrt(v1) + SCALARS.epsilon);
        const expected = i < length ? [p1, m1, v1, g] : [p, m, v, g];
        expected.forEach((value, array) => expect(after[array * room + i]).toBeCloseTo(value, 6));
      }
    }),
    { numRuns: 68 },
  );
});

test('sums squares in float64', () => {
  for (const length of [0, 1, 5, 64, 1003]) {
    const { kernel, places } = filled(length);
    const expected = kernel.view(places.gradient, length).reduce((sum, value) => sum + value * value, 0);
    expect(Math.abs(kernel.sumOfSquares(places.gradient, length) - expected)).toBeLessThan(1e-6 * Math.max(1, expected));
  }
});

test('adds one array to another', () => {
  const kernel = new AdamWKernel(16);
  kernel.view(0, 8).set([1, 2, 3, 4, 5, 6, 7, 8]);
  kernel.view(8, 8).set([10, 20, 30, 40, 50, 60, 70, 80]);
  kernel.accumulate(0, 8, 7);
  expect([...kernel.view(0, 16)]).toEqual([11, 22, 33, 44, 55, 66, 77, 88, 10, 20, 30, 40, 50, 60, 70, 80]);
});

test('refuses a state that WebAssembly cannot address', () => {
  expect(() => new AdamWKernel(2 ** 30)).toThrow(/optimiser state of 1073741824 numbers/);
});
