import { ApplicationFailure } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import type { SealActivities } from '../../activities/activity-types';
import type { CampaignInput } from '../../campaign/campaign';
import { cancelUpdate, pauseUpdate, progressQuery, resumeUpdate, retryFailedUpdate } from '../../workflows/messages';
import { campaignInput, type InputOptions } from './campaign-input';
import { type FakeActivities, fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

// An operator may act at any moment: what is accepted is done, what comes too late is refused with its reason.
jest.setTimeout(180_000);

const OPERATOR = { by: 'tester', why: 'to see what happens' };

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

function paged(campaignId: string, options: InputOptions, eventsPerRun: number): CampaignInput {
  const input = campaignInput(campaignId, options);
  return { ...input, timings: { ...input.timings, eventsPerRun } };
}

interface Held {
  readonly fakes: FakeActivities;
  readonly waiting: () => number;
  release(): void;
}

/** Calls of one activity wait until they are released, where `holds` says so. */
function held<Name extends keyof SealActivities>(name: Name, holds: (task: Parameters<SealActivities[Name]>[0]) => boolean, overrides: Partial<SealActivities> = {}): Held {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  let waiting = 0;
  const answer = { ...fakeActivities().activities, ...overrides };
  const fakes = fakeActivities(() => ({
    ...overrides,
    [name]: async (task: Parameters<SealActivities[Name]>[0]) => {
      if (holds(task)) {
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
      return (answer[name] as (one: unknown) => Promise<unknown>)(task);
    },
  }));
  return { fakes, waiting: () => waiting, release: () => release() };
}

/** Several runs of the epoch, and its last history's end. */
async function statusOf(workflowId: string): Promise<string> {
  return (await temporal.environment.client.workflow.getHandle(workflowId).describe()).status.name;
}

test('a cancellation that comes while an epoch archives before a new run ends the campaign as cancelled, with no candidate counted as failed', async () => {
  const { fakes, waiting, release } = held('archiveHistories', ({ scope }) => scope === 'epoch-1');
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(paged('between-runs', { contexts: 20, proposals: { k: 2 }, concurrency: { candidates: 4 } }, 60));
    // The epoch has enough events and keeps histories before it goes on.
    await eventually('the first page of histories', () => waiting() === 1, 60_000);
    await handle.executeUpdate(cancelUpdate, { args: [OPERATOR] });
    release();
    const result = await handle.result();
    expect(result.state).toBe('cancelled');
    expect(await statusOf('between-runs/epoch-1')).toBe('CANCELLED');
    expect(await handle.query(progressQuery)).toMatchObject({ state: 'cancelled', candidates: { failed: 0 } });
  });
});

test.each<[string, keyof SealActivities, InputOptions]>([
  ['proposals', 'proposeSelfEdits', {}],
  ['unadapted scores', 'evaluateBase', { selection: { rule: 'improves' }, evaluation: { baselines: [] } }],
])('a pause before an epoch holds back its %s', async (what, name, options) => {
  const { fakes, waiting, release } = held('pinInputs', () => true);
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput(`paused-${name.toLowerCase()}`, { ...options, evaluation: { baselines: [] } }));
    await eventually('the campaign to begin', () => waiting() === 1);
    await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] });
    release();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect([what, fakes.of(name)]).toEqual([what, []]);
    await handle.executeUpdate(resumeUpdate, { args: [OPERATOR] });
    expect((await handle.result()).state).toBe('completed');
  });
});

test('a pause while candidates are scored holds back the M-step', async () => {
  const { fakes, waiting, release } = held('evaluateAdapters', ({ scope }) => scope.scope === 'epoch-1');
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput('before-m-step', { contexts: 1, proposals: { k: 2 } }));
    await eventually('all candidates to be evaluated', () => waiting() === 2);
    await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] });
    release();
    await eventually('selection', () => fakes.of('selectSelfEdits').length === 1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(fakes.of('trainPolicy')).toEqual([]);
    await handle.executeUpdate(resumeUpdate, { args: [OPERATOR] });
    expect((await handle.result()).policy).toBe('policy-1');
  });
});

test('a campaign that goes on in a new run while it is paused still says so, and remembers for how long', async () => {
  const { fakes, waiting, release } = held('summariseMethod', ({ method }) => method === 'base');
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(paged('paused-over-runs', { contexts: 1, epochs: 1, evaluation: { baselines: ['base', 'passage-only'] } }, 10));
    const first = (await handle.describe()).runId;
    await eventually('the first evaluation', () => waiting() === 1);
    await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    release();
    const current = temporal.environment.client.workflow.getHandle('paused-over-runs');
    await eventually('a new run', async () => (await current.describe()).runId !== first);
    expect(await current.query(progressQuery)).toMatchObject({ state: 'paused' });
    const found: string[] = [];
    await eventually('the index', async () => {
      for await (const { workflowId } of temporal.environment.client.workflow.list({ query: "SealCampaign = 'paused-over-runs' AND SealStatus = 'paused'" })) found.push(workflowId);
      return found.length > 0;
    });
    await current.executeUpdate('resume', { args: [OPERATOR] });
    expect(await current.result()).toMatchObject({ state: 'completed' });
  });
});

test.each([
  ['cancel', cancelUpdate],
  ['retry-failed', retryFailedUpdate],
])('%s while the report is written is refused with its reason', async (name, update) => {
  const { fakes, waiting, release } = held('writeReport', () => true);
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput(`late-${name}`));
    await eventually('the report', () => waiting() === 1);
    const refused = await handle.executeUpdate(update, { args: [OPERATOR] }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ cause: { type: 'NotRunning', message: 'the campaign is writing its report; ask again when it has ended' } });
    release();
    expect((await handle.result()).state).toBe('completed');
  });
});

test('a second retry-failed that comes during the M-step is done after the epoch', async () => {
  let isBroken = true;
  const answer = fakeActivities().activities;
  const { fakes, waiting, release } = held('trainPolicy', ({ versions }) => versions.policy === 1, {
    fineTuneAdapters: (task) => (isBroken && task.scope.scope === 'epoch-1' && task.group.from === 1 ? Promise.reject(ApplicationFailure.nonRetryable('on purpose', 'ComputeProcessDiedError')) : answer.fineTuneAdapters(task)),
  });
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput('twice', { contexts: 2, proposals: { k: 2 } }));
    await eventually('the epoch', async () => (await handle.query(progressQuery)).phase === 'epoch 1: candidates');
    await handle.executeUpdate(retryFailedUpdate, { args: [OPERATOR] });
    await eventually('the M-step', () => waiting() === 1, 60_000);
    isBroken = false;
    await handle.executeUpdate(retryFailedUpdate, { args: [OPERATOR] });
    release();
    await handle.result();
    expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
    expect(fakes.of('recordRevision')).toEqual(['1 tester true']);
  });
});

test('a watch over carried candidates that fails is repeated, and nothing it watches counts as failed', async () => {
  const { fakes, waiting, release } = held('fineTuneAdapters', ({ scope, group }) => scope.scope === 'epoch-1' && group.from === 0);
  temporal.failingWatches = temporal.watches + 2;
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(paged('watched', { contexts: 10, proposals: { k: 2 }, concurrency: { candidates: 4 } }, 60));
    await eventually('the watch to have failed', () => waiting() === 1 && temporal.watches > temporal.failingWatches, 90_000);
    release();
    await handle.result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 20, failed: 0 });
  });
});

test('an epoch that cannot go on ends its candidates before it fails', async () => {
  const { fakes, waiting } = held('fineTuneAdapters', ({ scope, group }) => scope.scope === 'epoch-1' && group.from === 0, {
    archiveHistories: ({ scope }) => (scope === 'epoch-1' ? Promise.reject(ApplicationFailure.nonRetryable('on purpose', 'TypeError')) : Promise.resolve({ archived: 0 })),
  });
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(paged('orphans', { contexts: 20, proposals: { k: 2 }, concurrency: { candidates: 4 } }, 60));
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'CampaignFailed' } });
    expect(waiting()).toBe(0);
    expect(await statusOf('orphans/epoch-1/train0/c1')).toBe('CANCELLED');
  });
});
