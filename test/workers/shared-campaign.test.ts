import type { WorkRecord } from '../../record/documents/work';
import { eventually } from '../workflows/temporal-fixture';
import { FleetStack } from './fleet-stack';

// Campaigns with a real engine beside whatever else the machine does.
jest.setTimeout(600_000);
const LIMIT_MS = 240_000;

const stack = new FleetStack();
beforeAll(() => stack.start());
afterAll(() => stack.stop());

const computedBy = (work: readonly WorkRecord[], identity: string): number => work.filter(({ worker }) => worker === identity).length;

/** Names of computations that were done more than once. */
function repeated(work: readonly WorkRecord[]): string[] {
  const names = work.map(({ kind, scope, from, repeat }) => `${kind} ${scope} ${from} r${repeat}`);
  return names.filter((name, i) => names.indexOf(name) !== i);
}

test('two workers share a campaign, one of them is drained in the middle: each group is computed once, to the bits of one worker', async () => {
  const all = stack.worker('first', 'orchestration,bookkeeping,compute');
  const helper = stack.worker('second', 'compute', { SEAL_DRAIN_SECONDS: '30' });
  await stack.startCampaign('shared');
  await eventually(
    'both workers to have computed some of it',
    async () => {
      const work = await stack.work('shared');
      return computedBy(work, all.identity) > 1 && computedBy(work, helper.identity) > 1;
    },
    LIMIT_MS,
  );
  expect(await stack.campaigns.find('shared')).toMatchObject({ state: 'running' });
  // It ends what it is at and leaves the rest.
  expect(await helper.end('SIGTERM')).toBe('exit 0');
  await stack.result('shared');
  expect(repeated(await stack.work('shared'))).toEqual([]);

  await stack.startCampaign('alone');
  await stack.result('alone');
  expect((await stack.work('alone')).every(({ worker }) => worker === all.identity)).toBe(true);
  const expected = await stack.results('alone');
  expect(Object.keys(expected).filter((key) => key.endsWith('adapter.json')).length).toBeGreaterThan(12);
  expect(await stack.results('shared')).toEqual(expected);
});
