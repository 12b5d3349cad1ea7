import fc from 'fast-check';
import { clusteredStandardError, mean, pairedDifference, standardError } from '../../../seal/statistics/statistics';

test('mean and standard error of a list worked by hand', () => {
  // deviations from 5: -3 -1 -1 -1 0 0 2 4, squares sum 32, variance 32/7, over 8
  const values = [2, 4, 4, 4, 5, 5, 7, 9];
  expect(mean(values)).toBe(5);
  expect(standardError(values)).toBeCloseTo(Math.sqrt(32 / 7 / 8), 12);
});

test('a mean has the same bits whatever the order of its values', () => {
  expect(mean([0.6, 0.4, 0.2])).toBe(mean([0.2, 0.4, 0.6]));
  const values = fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1 });
  fc.assert(
    fc.property(values.chain((own) => fc.tuple(fc.constant(own), fc.shuffledSubarray(own, { minLength: own.length }))), ([own, shuffled]) => {
      expect(mean(shuffled)).toBe(mean(own));
    }),
  );
});

test('a mean of nothing is refused, a spread of one value is unknown', () => {
  expect(() => mean([])).toThrow(RangeError);
  expect(standardError([0.5])).toBeNaN();
});

test('pairing takes out what both methods share', () => {
  const { difference, pairedStandardError, n } = pairedDifference([0.1, 0.6, 0.9], [0, 0.4, 0.8]);
  // differences 0.1 0.2 0.1
  expect(difference).toBeCloseTo(0.4 / 3, 12);
  expect(pairedStandardError).toBeCloseTo(standardError([0.1, 0.2, 0.1]), 12);
  expect(n).toBe(3);
});

test('lists that cannot be paired are refused', () => {
  expect(() => pairedDifference([1, 2], [1])).toThrow(/2 and 1/);
});

test('a constant shift moves the difference and leaves its error at zero', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 2 }),
      fc.integer({ min: -64, max: 64 }),
      (b, shift) => {
        const result = pairedDifference(
          b.map((value) => (value + shift) / 64),
          b.map((value) => value / 64),
        );
        expect(result).toEqual({ difference: shift / 64, pairedStandardError: 0, n: b.length });
      },
    ),
  );
});

test('clusters of one size give the standard error of their means', () => {
  const sums = [2, 1, 0, 2];
  expect(clusteredStandardError(sums.map((sum) => ({ sum, weight: 2 })))).toBeCloseTo(standardError(sums.map((sum) => sum / 2)), 12);
});

test('a large cluster counts as much as it weighs', () => {
  // mean 3/4; deviations 1 - 3/4 = 1/4 and 2 - 9/4 = -1/4
  expect(clusteredStandardError([{ sum: 1, weight: 1 }, { sum: 2, weight: 3 }])).toBeCloseTo(Math.sqrt(2 * (2 / 16)) / 4, 12);
  expect(clusteredStandardError([{ sum: 1, weight: 1 }])).toBeNaN();
});
