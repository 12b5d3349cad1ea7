import fc from 'fast-check';
import { deriveSeed, randomBelow, seededRandom, shuffled } from '../../../seal/algorithm/seeds';

describe('deriveSeed', () => {
  test('is the first word of sha256 over the JSON list', () => {
    // printf '[17,"finetune",1,"ab12cd34",2,3]' | sha256sum | cut -c1-8
    expect(deriveSeed(17, 'finetune', 1, 'ab12cd34', 2, 3).toString(16)).toBe('7b3f7b2d');
  });

  test.each([
    [['a', 'b'], ['ab']],
    [[1], ['1']],
    [[1, 2], [12]],
    [
      ['a"', 'b'],
      ['a', '"b'],
    ],
  ])('parts %j and %j give different seeds', (left, right) => {
    expect(deriveSeed(1, ...left)).not.toBe(deriveSeed(1, ...right));
  });

  test('refuses a part that JSON writes as null', () => {
    expect(() => deriveSeed(1, Number.NaN)).toThrow(RangeError);
  });
});

describe('seededRandom', () => {
  test('the first draws of seed 1 never change', () => {
    const random = seededRandom(1);
    expect(Array.from({ length: 4 }, () => Math.round(random() * 2 ** 32))).toEqual([
      2012149540, 1872316204, 1707632675, 1779833415,
    ]);
  });

  test('stays in [0, 1) and repeats for its seed', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const draws = Array.from({ length: 50 }, seededRandom(seed));
        expect(draws).toEqual(Array.from({ length: 50 }, seededRandom(seed)));
        for (const draw of draws) expect(draw >= 0 && draw < 1).toBe(true);
      }),
    );
  });

  test('fills ten equal bins evenly (chi-square, 9 degrees of freedom, p > 1e-4) and near seeds differ', () => {
    const random = seededRandom(7);
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i += 1) bins[randomBelow(random, 10)]! += 1;
    expect(bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(33.7);
    const first = Array.from({ length: 1000 }, (_, seed) => seededRandom(seed)());
    expect(new Set(first).size).toBe(1000);
    expect(first.reduce((sum, draw) => sum + draw, 0) / 1000).toBeCloseTo(0.5, 1);
  });
});

test('shuffled keeps every item, leaves its input alone and reaches every order', () => {
  const items = ['a', 'b', 'c'] as const;
  const orders = new Set(Array.from({ length: 200 }, (_, seed) => shuffled(items, seededRandom(seed)).join('')));
  expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  expect(items).toEqual(['a', 'b', 'c']);
});
