import { ApplicationFailure } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import type { GroupTask } from '../../activities/activity-types';
import { cancelUpdate, progressQuery } from '../../workflows/messages';
import type { CandidateResult } from '../../workflows/candidate';
import { campaignInput } from './campaign-input';
import { type FakeActivities, fakeActivities, fakeReward, positionsOf } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(120_000);

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

/** Two contexts of four self-edits each, computed in two groups. */
const GROUPED = { contexts: 2, proposals: { k: 4 }, concurrency: { candidates: 8, group: 4 } };

/** Fine-tunes of the epoch wait until they are released. */
function heldBack(): { readonly fakes: FakeActivities; release(): void; readonly waiting: () => number } {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let waiting = 0;
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: async (task: GroupTask) => {
      if (task.scope.scope === 'epoch-1') {
        const context = Context.current();
        const beat = setInterval(() => context.heartbeat(), 100);
        waiting += 1;
        try {
          await Promise.race([released, context.cancelled]);
        } finally {
          waiting -= 1;
          clearInterval(beat);
        }
      }
      return answer.fineTuneAdapters(task);
    },
  }));
  return { fakes, release: () => release(), waiting: () => waiting };
}

async function outcomeOf(workflowId: string): Promise<CandidateResult['outcome']> {
  return ((await temporal.environment.client.workflow.getHandle(workflowId).result()) as CandidateResult).outcome;
}

test('a group is asked for once, and each of its candidates has its own outcome in its own history', async () => {
  const fakes = fakeActivities(() => ({ validateSelfEdit: ({ position }) => Promise.resolve(position === 2 ? { accepted: false, reason: 'empty' } : { accepted: true }) }));
  await temporal.withActivities(fakes.activities, async () => {
    await (await temporal.start(campaignInput('grouped', { ...GROUPED, innerLoop: { repeats: 2 } }))).result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 8, rejected: 1, failed: 0 });
    expect(fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1')).sort()).toEqual(['epoch-1 0-3 r1', 'epoch-1 0-3 r2', 'epoch-1 4-7 r1', 'epoch-1 4-7 r2']);
    expect(await outcomeOf('grouped/epoch-1/train0/c2')).toMatchObject({ status: 'scored', reward: fakeReward(1), adapters: ['adapter-1-r1', 'adapter-1-r2'] });
    expect(await outcomeOf('grouped/epoch-1/train0/c3')).toMatchObject({ status: 'rejected', reason: 'empty' });
    const input = (await temporal.environment.client.workflow.getHandle('grouped/epoch-1/train1/c1').fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes?.input;
    expect(Buffer.from(input?.payloads?.[0]?.data ?? '').toString()).toContain('"workflowId":"grouped/epoch-1/group-4-7"');
  });
});

test('a member that diverges fails alone', async () => {
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: ({ group }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, ...(position === 5 ? { diverged: 'loss of step 3 is NaN' } : { adapter: 'a' }) })) }),
  }));
  await temporal.withActivities(fakes.activities, async () => {
    await (await temporal.start(campaignInput('diverging', GROUPED))).result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 8, failed: 1 });
    expect(await outcomeOf('diverging/epoch-1/train1/c2')).toMatchObject({ status: 'failed', failure: 'not-finite', reason: 'NotFiniteError: loss of step 3 is NaN' });
  });
});

test('a group that cannot be computed fails each of its members, and no other', async () => {
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: (task) => (task.scope.scope === 'epoch-1' && task.group.from === 4 ? Promise.reject(ApplicationFailure.nonRetryable('a row is missing', 'BadInputError')) : answer.fineTuneAdapters(task)),
  }));
  await temporal.withActivities(fakes.activities, async () => {
    await (await temporal.start(campaignInput('broken-group', GROUPED))).result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 8, failed: 4 });
    expect(await outcomeOf('broken-group/epoch-1/train1/c4')).toMatchObject({ status: 'failed', failure: 'bad-input' });
  });
});

test.each([
  ['a terminated candidate is lost, its group is not', 'train0/c2', 1],
  ['a terminated group is lost with its candidates, the epoch is not', 'group-0-3', 4],
])('%s', async (_, part, failed) => {
  const { fakes, release, waiting } = heldBack();
  const campaignId = `terminated-${failed}`;
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput(campaignId, GROUPED));
    await eventually('both groups to be computed', () => waiting() === 2);
    await temporal.environment.client.workflow.getHandle(`${campaignId}/epoch-1/${part}`).terminate('to see what happens');
    release();
    await handle.result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 8, failed });
    const status = (await temporal.environment.client.workflow.getHandle(`${campaignId}/epoch-1/train0/c2`).describe()).status.name;
    expect(status).toBe('TERMINATED');
  });
});

test('cancelling reaches the groups, their candidates and their computations', async () => {
  const { fakes, waiting } = heldBack();
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput('cancelled-groups', GROUPED));
    await eventually('both groups to be computed', () => waiting() === 2);
    await handle.executeUpdate(cancelUpdate, { args: [{ by: 'tester', why: 'to see what happens' }] });
    expect((await handle.result()).state).toBe('cancelled');
    expect(waiting()).toBe(0);
    for (const part of ['', '/group-0-3', '/group-4-7', '/train0/c1', '/train1/c4']) {
      const { status } = await temporal.environment.client.workflow.getHandle(`cancelled-groups/epoch-1${part}`).describe();
      expect([part, status.name]).toEqual([part, 'CANCELLED']);
    }
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'cancelled', candidates: { failed: 0, running: 0 } });
  });
});
