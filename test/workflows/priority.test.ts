import { Context } from '@temporalio/activity';
import { ORCHESTRATION_QUEUE, workflowIds } from '../../campaign/campaign';
import { taskPriority } from '../../campaign/priority';
import { activitySettings } from '../../workflows/work/activity-options';
import type { CandidateInput, candidateWorkflow } from '../../workflows/candidate';
import { campaignInput } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

// Real schedules on a machine that does other things besides.
jest.setTimeout(120_000);

/** One computation at a time: whatever else is to be computed waits at the server, which decides what comes next. */
let fixture: TemporalFixture;
beforeAll(async () => {
  fixture = await TemporalFixture.start({ computeSlots: 1 });
});
afterAll(() => fixture.stop());

interface Campaign {
  readonly campaignId: string;
  readonly priority: number;
  readonly candidates: number;
}

/** Starts a campaign's candidates, all of whose activities will wait. */
async function startCandidates({ campaignId, priority, candidates }: Campaign): Promise<Promise<unknown>[]> {
  const input = campaignInput(campaignId);
  const settings = { ...activitySettings(input), timings: { ...activitySettings(input).timings, heartbeatTimeoutMs: 60_000 } };
  const campaign = { campaignId, input: input.train, runId: 'run' };
  const started = Array.from({ length: candidates }, async (_, position) => {
    const task: CandidateInput = {
      scope: { campaign, scope: 'epoch-1', split: 'train', policy: null, rows: { kind: 'baseline', name: 'passage-only' }, perContext: 1 },
      ...{ position, contextId: `train${position}`, candidate: 1, group: { from: position, to: position + 1, workflowId: null }, repeats: 1, settings },
    };
    return fixture.environment.client.workflow.start<typeof candidateWorkflow>('candidateWorkflow', {
      workflowId: workflowIds.candidate(campaignId, 1, `train${position}`, 1),
      taskQueue: ORCHESTRATION_QUEUE,
      args: [task],
      priority: taskPriority(campaignId, priority),
    });
  });
  const handles = await Promise.all(started);
  await eventually(`every candidate of ${campaignId} to wait`, async () => {
    const pending = await Promise.all(handles.map(async (handle) => (await handle.describe()).raw.pendingActivities?.length ?? 0));
    return pending.every((count) => count === 1);
  });
  return handles.map((handle) => handle.result());
}

/**
 * The campaigns' candidates come in this order while the only slot is taken, and wait.
 * @returns the campaigns whose fine-tunes ran once it was free, in order
 */
async function contend(...campaigns: Campaign[]): Promise<string[]> {
  const order: string[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const { activities } = fakeActivities();
  const fineTuneAdapters: typeof activities.fineTuneAdapters = async (task) => {
    order.push(task.scope.campaign.campaignId);
    if (order.length === 1) await released;
    return activities.fineTuneAdapters(task);
  };
  await fixture.withActivities({ ...activities, fineTuneAdapters }, async () => {
    const results = await startCandidates({ campaignId: `before-${campaigns[0]!.campaignId}`, priority: 3, candidates: 1 });
    for (const campaign of campaigns) results.push(...(await startCandidates(campaign)));
    release();
    await Promise.all(results);
  });
  return order.slice(1);
}

test('the activities of an urgent campaign are computed before those that wait longer', async () => {
  const order = await contend({ campaignId: 'patient', priority: 5, candidates: 10 }, { campaignId: 'urgent', priority: 1, candidates: 5 });
  // The server promises to be close to the order of priorities; in the order of arrival the first ten were patient.
  expect(order[0]).toBe('urgent');
  expect(order.slice(0, 7).filter((campaignId) => campaignId === 'urgent')).toHaveLength(5);
  expect(order).toHaveLength(15);
});

test('of two campaigns of one priority none waits for all that the other has waiting', async () => {
  const order = await contend({ campaignId: 'large', priority: 3, candidates: 20 }, { campaignId: 'small', priority: 3, candidates: 3 });
  expect(order.slice(0, 12).filter((campaignId) => campaignId === 'small')).toHaveLength(3);
});

test('a campaign hands its priority down to its parts, their candidates and activities', async () => {
  const heard: unknown[] = [];
  const { activities } = fakeActivities();
  const listening = Object.fromEntries(
    Object.entries(activities).map(([name, answer]) => [
      name,
      (task: unknown): unknown => {
        const { priorityKey, fairnessKey } = Context.current().info.priority!;
        // Self-edits are judged in their workflow's process and wait in no queue.
        if (name !== 'validateSelfEdit') heard.push({ priorityKey, fairnessKey });
        return (answer as (task: unknown) => unknown)(task);
      },
    ]),
  ) as unknown as typeof activities;
  await fixture.withActivities(listening, async () => (await fixture.start(campaignInput('heir'), 2)).result());
  expect(heard.length).toBeGreaterThan(10);
  expect(heard).toEqual(heard.map(() => ({ priorityKey: 2, fairnessKey: 'heir' })));
});
