import type { WorkflowHandle } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import type { CampaignInput } from '../../campaign/campaign';
import { cancelUpdate, pauseUpdate, progressQuery, resumeUpdate } from '../../workflows/messages';
import { campaignInput, type InputOptions } from './campaign-input';
import { fakeActivities, fakeReward } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(180_000);

const OPERATOR = { by: 'tester', why: 'to see what happens' };

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

/** Runs end after so few events that an epoch of some candidates needs several. */
function paged(campaignId: string, options: InputOptions, eventsPerRun = 60): CampaignInput {
  const input = campaignInput(campaignId, options);
  return { ...input, timings: { ...input.timings, eventsPerRun } };
}

/** Lengths of all runs of a workflow's chain, the last first. */
async function runsOf(handle: WorkflowHandle): Promise<number[]> {
  const { client } = temporal.environment;
  const lengths: number[] = [];
  let runId: string | undefined = (await handle.describe()).runId;
  while (runId) {
    const history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>> = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    lengths.push(history.events?.length ?? 0);
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
  }
  return lengths;
}

/** Fine-tunes of an epoch that wait until they are released. */
function heldBack() {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const waiting = new Set<number>();
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: async (task) => {
      if (task.scope.scope === 'epoch-1' && task.group.from % 5 === 0) {
        const context = Context.current();
        const beat = setInterval(() => context.heartbeat(), 100);
        waiting.add(task.group.from);
        try {
          await Promise.race([released, context.cancelled]);
        } finally {
          waiting.delete(task.group.from);
          clearInterval(beat);
        }
      }
      return answer.fineTuneAdapters(task);
    },
  }));
  return { fakes, waiting, release: () => release() };
}

describe('an epoch over many runs', () => {
  test('scores every candidate once, keeps the best and has all histories archived', async () => {
    const archived: string[] = [];
    const fakes = fakeActivities(() => ({
      archiveHistories: ({ workflows }) => {
        archived.push(...workflows.map(({ workflowId }) => workflowId));
        return Promise.resolve({ archived: workflows.length });
      },
    }));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(paged('many', { contexts: 15, proposals: { k: 4 }, concurrency: { candidates: 8 } }));
      await handle.result();
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 60, failed: 0, rejected: 0, kept: 15 });
      const tuned = fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1'));
      expect(tuned.sort()).toEqual(Array.from({ length: 60 }, (_, position) => `epoch-1 ${position} r1`).sort());
      const best = Array.from({ length: 15 }, (_, c) => [0, 1, 2, 3].map((i) => 4 * c + i).reduce((a, b) => (fakeReward(b) > fakeReward(a) ? b : a)));
      expect(fakes.of('trainPolicy')).toEqual([`1 ${best.join(',')}`]);
      const lengths = await runsOf(temporal.environment.client.workflow.getHandle('many/epoch-1'));
      expect(lengths.length).toBeGreaterThan(3);
      // The window's own events come on top of the limit.
      expect(Math.max(...lengths)).toBeLessThan(60 + 8 * 12);
      const candidates = archived.filter((id) => id.startsWith('many/epoch-1/'));
      expect(new Set(candidates).size).toBe(60);
      expect(candidates).toHaveLength(60);
      expect(archived).toEqual(expect.arrayContaining(['many/epoch-1', 'many/evaluation/base', 'many/evaluation/seal-epoch-1']));
      await eventually('the campaign\'s own history to be archived', () => archived.includes('many'));
    });
  });

  test('carries candidates along that outlive the run that started them', async () => {
    const { fakes, waiting, release } = heldBack();
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(paged('carried', { contexts: 10, proposals: { k: 2 }, concurrency: { candidates: 6 } }));
      const epoch = temporal.environment.client.workflow.getHandle('carried/epoch-1');
      await eventually('a later run with the first candidate under way', async () => waiting.has(0) && (await runsOf(epoch)).length > 1, 60_000);
      release();
      await handle.result();
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 20, failed: 0 });
      expect(fakes.of('fineTuneAdapters').filter((what) => what === 'epoch-1 0 r1')).toHaveLength(1);
    });
  });

  test('hands no candidate on that has ended, however few events a run has', async () => {
    const fakes = fakeActivities();
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(paged('tight', { contexts: 3, proposals: { k: 2 }, concurrency: { candidates: 1 } }, 12));
      await handle.result();
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 6, failed: 0 });
      // Of each candidate one that starts it and one that hears of its end.
      expect((await runsOf(temporal.environment.client.workflow.getHandle('tight/epoch-1'))).length).toBeLessThanOrEqual(1 + 2 * 6);
    });
  });

  test('finds a carried candidate that died without a word', async () => {
    const { fakes, waiting, release } = heldBack();
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(paged('died', { contexts: 10, proposals: { k: 2 }, concurrency: { candidates: 6 } }));
      const { client } = temporal.environment;
      await eventually('a later run', async () => waiting.has(0) && (await runsOf(client.workflow.getHandle('died/epoch-1'))).length > 1, 60_000);
      await client.workflow.getHandle('died/epoch-1/train0/c1').terminate('no reason');
      await eventually('the death to be noticed', async () => (await handle.query(progressQuery)).candidates.failed === 1 || waiting.size > 0);
      release();
      await handle.result();
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 20, failed: 1 });
    });
  });

  test('is paused, resumed and cancelled like any other, carried candidates included', async () => {
    const { fakes, waiting } = heldBack();
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(paged('cancelled', { contexts: 10, proposals: { k: 2 }, concurrency: { candidates: 6 } }));
      const { client } = temporal.environment;
      await eventually('a later run', async () => waiting.has(0) && (await runsOf(client.workflow.getHandle('cancelled/epoch-1'))).length > 1, 60_000);
      expect((await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] })).state).toBe('paused');
      expect((await handle.executeUpdate(resumeUpdate, { args: [OPERATOR] })).state).toBe('running');
      await handle.executeUpdate(cancelUpdate, { args: [OPERATOR] });
      expect(await handle.result()).toMatchObject({ state: 'cancelled' });
      expect(waiting.size).toBe(0);
      await eventually('every child to be closed', async () => {
        for await (const { workflowId } of client.workflow.list({ query: `SealCampaign = 'cancelled' AND ExecutionStatus = 'Running'` })) {
          if (!workflowId.includes('/archive/')) return false;
        }
        return true;
      });
      expect((await client.workflow.getHandle('cancelled/epoch-1/train0/c1').describe()).status.name).toBe('CANCELLED');
    });
  });
});

test('a campaign and an evaluation over many runs end as in one', async () => {
  const fakes = fakeActivities();
  const options: InputOptions = { contexts: 2, heldOut: 8, epochs: 3, evaluation: { baselines: ['base', 'passage-only'], repeats: 2 } };
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(paged('long', options, 30));
    const result = await handle.result();
    expect(result.state).toBe('completed');
    expect(fakes.of('summariseMethod')).toEqual(['base', 'passage-only', 'seal-epoch-1', 'seal-epoch-2', 'seal-epoch-3']);
    expect(fakes.summaries().map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(result.policy).toBe('policy-3');
    expect((await runsOf(handle)).length).toBeGreaterThan(1);
    expect((await runsOf(temporal.environment.client.workflow.getHandle('long/evaluation/passage-only'))).length).toBeGreaterThan(1);
    const heldOut = fakes.of('fineTuneAdapters').filter((what) => what.startsWith('evaluation/passage-only'));
    expect(new Set(heldOut).size).toBe(16);
    expect(heldOut).toHaveLength(16);
    expect(fakes.of('pinInputs')).toEqual(['long']);
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'completed', candidates: { total: 12, done: 12 } });
  });
});
