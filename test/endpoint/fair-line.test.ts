import { FairLine } from '../../endpoint/fair-line';
import { RequestSlots } from '../../endpoint/request-slots';

function drain<Item>(line: FairLine<Item>): Item[] {
  const items: Item[] = [];
  for (let item = line.shift(); item !== undefined; item = line.shift()) items.push(item);
  return items;
}

test('urgent ones go first, shares of one priority take turns, one share keeps its order', () => {
  const line = new FairLine<string>();
  for (const item of ['a1', 'a2', 'a3', 'a4']) line.push(item, { priority: 3, share: 'a' });
  for (const item of ['b1', 'b2']) line.push(item, { priority: 3, share: 'b' });
  line.push('late', { priority: 5, share: 'a' });
  line.push('urgent', { priority: 1, share: 'c' });
  expect(drain(line)).toEqual(['urgent', 'a1', 'b1', 'a2', 'b2', 'a3', 'a4', 'late']);
});

test('a share that comes while another is being served waits for one item, not for all', () => {
  const line = new FairLine<string>();
  for (let i = 1; i <= 100; i += 1) line.push(`a${i}`, { priority: 3, share: 'a' });
  line.shift();
  line.push('b1', { priority: 3, share: 'b' });
  expect([line.shift(), line.shift()]).toEqual(['a2', 'b1']);
});

test('what no longer waits is passed over, and its share with it', () => {
  const line = new FairLine<string>();
  line.push('a1', { priority: 1, share: 'a' });
  line.push('b1', { priority: 2, share: 'b' });
  line.remove('a1');
  line.remove('never there');
  expect(drain(line)).toEqual(['b1']);
});

test('slots serve by turn, and a request that was cancelled while it waited takes none', async () => {
  const slots = new RequestSlots(1, { before: 'before', waiting: 'waiting' });
  const served: string[] = [];
  let release = (): void => undefined;
  const hold = new Promise<void>((resolve) => (release = resolve));
  const held = slots.run(new AbortController().signal, () => hold);
  const ask = (name: string, priority: number, signal = new AbortController().signal): Promise<void> =>
    slots.run(signal, async () => void served.push(name), { priority, share: name });
  const leaving = new AbortController();
  const waiting = [ask('later', 4), ask('gone', 1, leaving.signal), ask('urgent', 1)];
  const refused = expect(waiting[1]).rejects.toThrow('waiting');
  leaving.abort();
  release();
  await Promise.all([held, waiting[0], waiting[2], refused]);
  expect(served).toEqual(['urgent', 'later']);
});
