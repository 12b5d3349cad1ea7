import { planBlocks } from '../../../engine/model/batches';

const rows = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('planBlocks', () => {
  test('rows on the base share blocks across groups', () => {
    const blocks = planBlocks([
      { adapterDirectory: null, rows: rows(60) },
      { adapterDirectory: null, rows: rows(10) },
    ]);
    expect(blocks.map(({ adapters, rows: placed }) => [adapters, placed.map((ofAdapter) => ofAdapter.length)])).toEqual([
      [null, [64]],
      [null, [6]],
    ]);
  });

  test('adapters are stacked, each with its own rows', () => {
    const [block, ...more] = planBlocks([
      { adapterDirectory: 'a', rows: rows(3) },
      { adapterDirectory: 'b', rows: rows(1) },
    ]);
    expect(more).toEqual([]);
    expect(block?.adapters).toEqual(['a', 'b']);
    expect(block?.rows.map((placed) => placed.map(({ group, index }) => [group, index]))).toEqual([
      [[0, 0], [0, 1], [0, 2]],
      [[1, 0]],
    ]);
  });

  test('every row is in exactly one block, whatever the sizes', () => {
    const sizes = [0, 1, 64, 65, 200, 7];
    const groups = sizes.map((size, i) => ({ adapterDirectory: i % 3 === 0 ? null : `adapter ${i}`, rows: rows(size) }));
    const placed = planBlocks(groups).flatMap((block) => block.rows.flat().map(({ group, index }) => `${group}.${index}`));
    expect(placed.sort()).toEqual(sizes.flatMap((size, group) => rows(size).map((index) => `${group}.${index}`)).sort());
  });

  test('no rows, no blocks', () => {
    expect(planBlocks([{ adapterDirectory: 'a', rows: [] }, { adapterDirectory: null, rows: [] }])).toEqual([]);
  });
});
