import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { type CampaignInput, workflowIds } from '../../campaign/campaign';
import { COMPUTE_SLOTS } from '../../campaign/queues';
import { readCampaignData } from '../../record/documents/campaign';
import { DOMAINS } from '../../seal/domains/registry';
import { ActivityFixture } from '../activities/activity-fixture';
import { campaignInput, FAST_TIMINGS, type InputOptions } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(120_000);

/** temporal.api.enums.v1.PendingActivityState */
const STARTED = 2;

let temporal: TemporalFixture;
const made = new ActivityFixture();
beforeAll(async () => {
  temporal = await TemporalFixture.start({ computeSlots: COMPUTE_SLOTS });
});
afterAll(async () => {
  await temporal.stop();
  made.remove();
});

async function inputOf(campaignId: string): Promise<CampaignInput> {
  const spec = { proposals: { k: 2, source: 'recorded' }, evaluation: { baselines: [] }, concurrency: { candidates: 4, group: 1 } };
  return { ...(await made.input(campaignId, spec)), timings: FAST_TIMINGS };
}

/** The epoch's candidates, in planned order. */
async function candidatesOf(input: CampaignInput): Promise<WorkflowHandle[]> {
  const { campaignId, spec } = input;
  const { contexts } = await readCampaignData(made.store, input, DOMAINS);
  const ids = contexts.train.flatMap(({ id }) => Array.from({ length: spec.proposals.k }, (_, i) => workflowIds.candidate(campaignId, 1, id, i + 1)));
  return ids.map((id) => temporal.environment.client.workflow.getHandle(id));
}

/** Activities of candidates that a worker has taken. */
async function taken(candidates: readonly WorkflowHandle[]): Promise<number> {
  const pending = await Promise.all(candidates.map(async (candidate) => (await candidate.describe().catch(() => null))?.raw.pendingActivities ?? []));
  return pending.flat().filter(({ state }) => Number(state) === STARTED).length;
}

test('a campaign pins its inputs and starts its first candidate within seconds while another one holds every compute slot', async () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  made.controls.onFineTune = () => released;
  // Its activities were given no server to read histories from.
  const { archiveHistories } = fakeActivities().activities;
  await temporal.withActivities({ ...made.activities, archiveHistories }, async () => {
    const [busy, second] = [await inputOf('busy'), await inputOf('second')];
    const first = await temporal.start(busy);
    await eventually('every compute slot to be taken', async () => (await taken(await candidatesOf(busy))) === COMPUTE_SLOTS);
    const next = await temporal.start(second);
    try {
      await eventually('the first candidate of the second campaign', async () => (await (await candidatesOf(second))[0]!.describe().catch(() => null)) !== null, 10_000);
      // What waits beyond the slots waits at the server.
      expect(await taken([...(await candidatesOf(busy)), ...(await candidatesOf(second))])).toBe(COMPUTE_SLOTS);
      expect(made.controls.fineTunes).toHaveLength(1);
    } finally {
      release();
    }
    expect((await Promise.all([first.result(), next.result()])).map(({ state }) => state)).toEqual(['completed', 'completed']);
  });
});

/** An activity that never hears from whom it asks, until it is cancelled. */
async function unanswered(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), 100);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}

const endpoint = { url: 'http://127.0.0.1:9', model: 'slow' };

test.each<[string, 'gradeAdapters' | 'proposeSelfEdits', InputOptions]>([
  ['a judge', 'gradeAdapters', { reward: { grader: 'judge', judge: endpoint as never } }],
  ['an endpoint that writes self-edits', 'proposeSelfEdits', { proposals: { source: 'endpoint', k: 64, endpoint: endpoint as never } }],
])('a campaign that waits for %s holds no compute slot', async (_, asking, options) => {
  const { activities } = fakeActivities();
  const slow = `waits-in-${asking}`;
  let waiting = 0;
  const ask = (task: { readonly scope: unknown }): Promise<unknown> => {
    if (!JSON.stringify(task).includes(slow)) return (activities[asking] as (task: unknown) => Promise<unknown>)(task);
    waiting += 1;
    return unanswered();
  };
  await temporal.withActivities({ ...activities, [asking]: ask }, async () => {
    const first = await temporal.start(campaignInput(slow, { contexts: 3, evaluation: { baselines: [] }, ...options }));
    await eventually('more to wait than there are compute slots', () => waiting > COMPUTE_SLOTS);
    expect(await (await temporal.start(campaignInput(`beside-${asking}`))).result()).toMatchObject({ state: 'completed' });
    await first.cancel();
    await expect(first.result()).rejects.toThrow();
  });
});
