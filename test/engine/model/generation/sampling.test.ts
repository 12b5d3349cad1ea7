import { argmax, sampleToken } from '../../../../engine/model/generation/sampling';
import { randomStream } from '../../../../engine/model/random';

const logits = Float32Array.from([0.5, 0.2, 0.2, 0.1].map(Math.log));

/** How often each token is drawn. */
function frequencies(settings: { temperature: number; topP: number }, draws = 20_000): number[] {
  const random = randomStream(3);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i += 1) {
    const token = sampleToken(logits, settings, random);
    counts[token] = (counts[token] as number) + 1 / draws;
  }
  return counts;
}

const close = (expected: number[]): unknown[] => expected.map((value) => expect.closeTo(value, 1) as unknown);

describe('sampleToken', () => {
  test('draws in proportion to the probabilities', () => {
    expect(frequencies({ temperature: 1, topP: 1 })).toEqual(close([0.5, 0.2, 0.2, 0.1]));
  });

  test('a temperature below 1 sharpens', () => {
    // p^2, normalised
    expect(frequencies({ temperature: 0.5, topP: 1 })).toEqual(close([0.735, 0.118, 0.118, 0.029]));
  });

  test('top-p keeps the smallest set that reaches it', () => {
    const kept = frequencies({ temperature: 1, topP: 0.6 });
    expect(kept).toEqual(close([0.714, 0.286, 0, 0]));
    expect(kept.slice(2)).toEqual([0, 0]);
  });

  test('temperature 0 takes the largest, of equals the first', () => {
    expect(sampleToken(logits, { temperature: 0, topP: 1 }, () => 0.999)).toBe(0);
    expect(argmax(Float32Array.of(1, 3, 3))).toBe(1);
  });

  test.each([
    [Float32Array.of(NaN, 1, 2), 'NaN for token 0'],
    [Float32Array.of(1, NaN, 2), 'NaN for token 1'],
    [Float32Array.of(1, 2, -Infinity), '-Infinity for token 2'],
    [Float32Array.of(-Infinity, 2, Infinity), '-Infinity for token 0'],
  ])('logits %p are an error, greedy or not, and no silent token', (wrong, got) => {
    for (const temperature of [0, 1]) {
      expect(() => sampleToken(wrong, { temperature, topP: 0.9 }, () => 0.5)).toThrow(`expected finite logits, got ${got}`);
    }
  });

  test('the largest finite logits are finite', () => {
    expect(argmax(new Float32Array(1000).fill(3.4028234663852886e38))).toBe(0);
  });
});
