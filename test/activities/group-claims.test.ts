import { setTimeout as sleep } from 'node:timers/promises';
import { GroupClaims } from '../../activities/execution/group-claims';
import { ComputeCancelledError } from '../../contracts/errors';
import { ANY_TURN } from '../../endpoint/fair-line';
import type { ArtifactStore } from '../../storage/artifact-store';
import { createMemoryStore } from '../../storage/memory-store';

const TIMINGS = { renewMs: 20, expireMs: 200, lookMs: 10 };
const forever = new AbortController().signal;

/** Claims of two workers on one store; marks of the second look as if another machine had written them. */
function workers(store = createMemoryStore()): { store: ArtifactStore; here: GroupClaims; there: GroupClaims } {
  const of = (host: string): GroupClaims => new GroupClaims(store, 1, () => ANY_TURN, { ...TIMINGS, host });
  return { store, here: of('here'), there: of('there') };
}

test('of two workers that want one group one computes it, the other waits until that is done', async () => {
  const { store, here, there } = workers();
  let running = 0;
  const computed: string[] = [];
  const compute = (who: string) => async (): Promise<string> => {
    running += 1;
    expect(running).toBe(1);
    await sleep(80);
    running -= 1;
    computed.push(who);
    return who;
  };
  const results = await Promise.all([here.alone('claims/c/epoch-1/g/', forever, compute('here')), there.alone('claims/c/epoch-1/g/', forever, compute('there'))]);
  expect(results).toEqual(['here', 'there']);
  expect(computed).toHaveLength(2);
  expect(await store.list('claims/')).toEqual([]);
});

test('while another worker is at one group, the next is computed', async () => {
  const { here, there } = workers();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const first = there.alone('claims/c/g1/', forever, () => held);
  await sleep(30);
  const order: string[] = [];
  const waiting = here.alone('claims/c/g1/', forever, async () => void order.push('g1'));
  await here.alone('claims/c/g2/', forever, async () => void order.push('g2'));
  await here.alone('claims/c/g3/', forever, async () => void order.push('g3'));
  release();
  await Promise.all([first, waiting]);
  expect(order).toEqual(['g2', 'g3', 'g1']);
});

test('of two groups that two workers want each gets one, though one of them asks for both first', async () => {
  const { here, there } = workers();
  const computed: string[] = [];
  const compute = (who: string) => async (): Promise<void> => {
    computed.push(who);
    await sleep(100);
  };
  const all = [here.alone('claims/c/g1/', forever, compute('here g1')), here.alone('claims/c/g2/', forever, compute('here g2'))];
  all.push(there.alone('claims/c/g2/', forever, compute('there g2')));
  await sleep(60);
  expect(computed).toEqual(['here g1', 'there g2']);
  await Promise.all(all);
});

test('a claim that shows signs of life is respected however long it takes, one without is taken over', async () => {
  const { store, here, there } = workers();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const living = there.alone('claims/c/living/', forever, () => held);
  // As a worker leaves it that was killed on another machine.
  const dead = { kind: 'claim', files: {}, lineage: { inputs: {}, codeVersion: '', settings: {} }, summary: { host: 'elsewhere', pid: 1, life: 'x' } };
  await store.publish('claims/c/dead/7', dead);
  const started = performance.now();
  let tookLiving = false;
  const waiting = here.alone('claims/c/living/', forever, async () => void (tookLiving = true));
  await here.alone('claims/c/dead/', forever, async () => undefined);
  expect(performance.now() - started).toBeGreaterThan(TIMINGS.expireMs);
  await sleep(2 * TIMINGS.expireMs);
  expect(tookLiving).toBe(false);
  release();
  await Promise.all([living, waiting]);
  expect(tookLiving).toBe(true);
  expect(await store.list('claims/')).toEqual([]);
});

test('a claim of a process of this machine that has ended is taken at once', async () => {
  const { store, here } = workers();
  const own = { kind: 'claim', files: {}, lineage: { inputs: {}, codeVersion: '', settings: {} }, summary: { host: 'here', pid: process.pid, life: 'before' } };
  await store.publish('claims/c/g/1', own);
  const started = performance.now();
  await here.alone('claims/c/g/', forever, async () => undefined);
  expect(performance.now() - started).toBeLessThan(TIMINGS.expireMs);
});

test('a failure reaches whoever computed and gives the claim up; who waits can be cancelled', async () => {
  const { store, here, there } = workers();
  await expect(here.alone('claims/c/g/', forever, () => Promise.reject(new Error('out of luck')))).rejects.toThrow('out of luck');
  expect(await store.list('claims/')).toEqual([]);
  let release = (): void => undefined;
  const holding = there.alone('claims/c/g/', forever, () => new Promise<void>((resolve) => (release = resolve)));
  await sleep(30);
  const leaving = new AbortController();
  const waiting = expect(here.alone('claims/c/g/', leaving.signal, async () => undefined)).rejects.toThrow(ComputeCancelledError);
  await sleep(30);
  leaving.abort();
  await waiting;
  release();
  await holding;
});
