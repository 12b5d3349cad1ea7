import { setTimeout as sleep } from 'node:timers/promises';
import { readAhead } from '../../record/bounded-reads';

/** Answers later the smaller the number, and counts how many are asked for at once. */
function slowReads() {
  const state = { underWay: 0, most: 0, asked: [] as number[] };
  const read = async (item: number): Promise<number> => {
    state.asked.push(item);
    state.underWay += 1;
    state.most = Math.max(state.most, state.underWay);
    await sleep(20 - 2 * item);
    state.underWay -= 1;
    if (item === 7) throw new Error('no seventh');
    return 10 * item;
  };
  return { state, read };
}

test('results come in the order of the items, a bounded number of them read ahead', async () => {
  const { state, read } = slowReads();
  const got: (readonly [number, number])[] = [];
  for await (const pair of readAhead([1, 2, 3, 4, 5, 6], read, 3)) {
    got.push(pair);
    expect(state.asked.length).toBeLessThanOrEqual(got.length + 2);
  }
  expect(got).toEqual([1, 2, 3, 4, 5, 6].map((item) => [item, 10 * item]));
  expect(state.most).toBe(3);
});

test('what is added on the way is read too', async () => {
  const items = [1];
  const got: number[] = [];
  for await (const [item] of readAhead(items, slowReads().read, 4)) {
    got.push(item);
    if (item < 3) items.push(item + 1, item + 3);
  }
  expect(got).toEqual([1, 2, 4, 3, 5]);
});

test('a failure is thrown in its turn, and who stops early waits for what is under way', async () => {
  const { state, read } = slowReads();
  const got: number[] = [];
  const reading = async (): Promise<void> => {
    for await (const [item] of readAhead([1, 7, 2, 3, 4], read, 3)) got.push(item);
  };
  await expect(reading()).rejects.toThrow('no seventh');
  expect(got).toEqual([1]);
  expect(state.underWay).toBe(0);
  for await (const [item] of readAhead([1, 2, 3, 4], read, 3)) if (item === 1) break;
  expect(state.underWay).toBe(0);
});
