import fc from 'fast-check';
import { correlation, correlationWithin, quantile } from '../../../seal/statistics/correlation';

describe('correlation', () => {
  it('is 1 and -1 for lines, and what a hand calculation gives between', () => {
    expect(correlation([1, 2, 3], [10, 20, 30])).toBeCloseTo(1, 12);
    expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
    // Deviations (-1.5, -0.5, 0.5, 1.5) and (-1, 1, -1, 1): 2 / sqrt(5 * 4).
    expect(correlation([1, 2, 3, 4], [1, 3, 1, 3])).toBeCloseTo(2 / Math.sqrt(20), 12);
  });

  it('is none where one side does not vary, or with too few pairs', () => {
    expect(correlation([1, 2, 3], [0.1, 0.1, 0.1])).toBeNull();
    expect(correlation([1, 2], [1, 2])).toBeNull();
    expect(correlation([], [])).toBeNull();
  });

  it('stays between -1 and 1 and does not mind scales', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -1000, max: 1000 })), { minLength: 3, maxLength: 50 });
    fc.assert(
      fc.property(pairs, (list) => {
        const x = list.map(([one]) => one);
        const y = list.map(([, other]) => other);
        const r = correlation(x, y);
        if (r === null) return;
        expect(Math.abs(r)).toBeLessThanOrEqual(1 + 1e-9);
        expect(correlation(x.map((value) => 3 * value + 7), y)).toBeCloseTo(r, 9);
      }),
    );
  });

  it('refuses lists of unlike length', () => {
    expect(() => correlation([1, 2, 3], [1, 2])).toThrow(RangeError);
  });
});

describe('correlationWithin', () => {
  it('takes off what only tells groups apart', () => {
    // Long passages have low rewards, yet within each the longer self-edit earns more.
    const groups = ['a', 'a', 'b', 'b', 'c'];
    const x = [10, 20, 110, 120, 500];
    const y = [0.8, 0.9, 0.1, 0.2, 0];
    expect(correlation(x, y)!).toBeLessThan(0);
    expect(correlationWithin(groups, x, y)).toBeCloseTo(1, 12);
  });

  it('is none where every group has one member', () => {
    expect(correlationWithin(['a', 'b', 'c'], [1, 2, 3], [1, 2, 3])).toBeNull();
  });
});

describe('quantile', () => {
  it('interpolates between neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3], 0)).toBe(1);
    expect(quantile([1, 2, 3], 1)).toBe(3);
    expect(quantile([5], 0.9)).toBe(5);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});
