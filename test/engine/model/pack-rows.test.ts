import { type TokenRow, batchRows, packRows } from '../../../engine/model/rows';

const row = (length: number, id: number, lossFrom = 1): TokenRow => ({ ids: new Array<number>(length).fill(id), lossFrom });
const numbers = (values: BigInt64Array): number[] => Array.from(values, Number);

describe('packRows', () => {
  test('short rows share a line with a long one', () => {
    const batch = packRows([[row(8, 1), row(2, 2), row(2, 3)]]);
    expect([batch.B, batch.T]).toEqual([1, 12]);
    expect(numbers(batch.segments)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3]);
    expect(numbers(batch.positions)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 0, 1]);
  });

  test('no row predicts the first token of the next', () => {
    const batch = packRows([[row(4, 1), row(2, 2)]]);
    // Both rows are on one line of 6: places 3 and 5 end a row.
    expect([batch.B, batch.T, batch.weights[3], batch.weights[5]]).toEqual([1, 6, 0, 0]);
    expect(batch.weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
  });

  test('long equal rows keep lines of their own: attention over all of them would cost more', () => {
    const batch = packRows([Array.from({ length: 8 }, (_, i) => row(512, i))]);
    expect([batch.B, batch.T]).toEqual([8, 512]);
  });

  test('adapters with less are padded without weight', () => {
    const batch = packRows([[row(4, 1)], [row(2, 2)]]);
    expect(numbers(batch.ids)).toEqual([1, 1, 1, 1, 2, 2, 0, 0]);
    expect([...batch.weights.slice(4)]).toEqual([1, 0, 0, 0]);
    expect(batch.lossTokens).toEqual([3, 1]);
  });

  test('a row used twice in a step is two rows', () => {
    const twice = row(3, 1);
    expect(packRows([[twice, twice]]).lossTokens).toEqual([4]);
  });
});

describe('batchRows', () => {
  test('gives each row a line', () => {
    const batch = batchRows([[row(2, 1), row(3, 2, 2)]]);
    expect([batch.B, batch.T]).toEqual([2, 3]);
    // One loss token in the first row, one in the second.
    expect([...batch.weights]).toEqual([0.5, 0, 0, 0, 0.5, 0]);
  });
});
