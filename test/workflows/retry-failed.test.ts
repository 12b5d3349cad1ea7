import { ApplicationFailure, WithStartWorkflowOperation } from '@temporalio/client';
import type { GroupTask, SealActivities } from '../../activities/activity-types';
import { type CampaignInput, ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import type { campaignWorkflow, CampaignResult } from '../../workflows/campaign';
import { progressQuery, retryFailedUpdate } from '../../workflows/messages';
import { campaignInput } from './campaign-input';
import { type FakeActivities, fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(180_000);

const OPERATOR = { by: 'tester', why: 'the disk was full' };

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

interface Breakable extends FakeActivities {
  /** Positions of scope `epoch-1` whose fine-tune fails, and how. */
  readonly broken: Map<number, string>;
  hold: Promise<void> | null;
}

function breakable(): Breakable {
  const broken = new Map<number, string>();
  const answer = fakeActivities().activities;
  const made: Breakable = {
    ...fakeActivities(
      (): Partial<SealActivities> => ({
        fineTuneAdapters: async (task: GroupTask) => {
          const type = task.scope.scope === 'epoch-1' ? broken.get(task.group.from) : undefined;
          if (type !== undefined) throw ApplicationFailure.nonRetryable('on purpose', type);
          await made.hold;
          return answer.fineTuneAdapters(task);
        },
      }),
    ),
    broken,
    hold: null,
  };
  return made;
}

/** Begins an ended campaign again, as `seal retry-failed` does. */
async function retryFailed(input: CampaignInput, ended: CampaignResult): Promise<CampaignResult> {
  const { client } = temporal.environment;
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof campaignWorkflow>('campaignWorkflow', {
    workflowId: input.campaignId,
    taskQueue: ORCHESTRATION_QUEUE,
    args: [input, ended.snapshot],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  await client.workflow.executeUpdateWithStart(retryFailedUpdate, { args: [OPERATOR], startWorkflowOperation });
  return (await startWorkflowOperation.workflowHandle()).result();
}

const TWO_EPOCHS = { contexts: 2, epochs: 2, proposals: { k: 2 } };
/** Of the first context candidate 2 (position 1) is the better one. */
const KEPT_WHOLE = '1 1,3';

describe('failed candidates of a campaign that has completed', () => {
  test('are tried again; where selection changes, later epochs and evaluations are made anew beside the old ones', async () => {
    const fakes = breakable();
    fakes.broken.set(1, 'ComputeProcessDiedError');
    const input = campaignInput('changed', TWO_EPOCHS);
    await temporal.withActivities(fakes.activities, async () => {
      const before = await (await temporal.start(input)).result();
      expect(fakes.summaries().map(({ failed }) => failed)).toEqual([1, 0]);
      expect(fakes.of('trainPolicy')).toEqual(['1 0,3', '2 1,3']);
      fakes.broken.clear();
      fakes.calls.length = 0;

      const after = await retryFailed(input, before);
      expect(after).toMatchObject({ state: 'completed', policy: 'policy-2.v2' });
      expect(fakes.summaries().map(({ epoch, failed, kept }) => ({ epoch, failed, kept }))).toEqual([1, 2].map((epoch) => ({ epoch, failed: 0, kept: 2 })));
      // Of the first epoch only what failed, with its own id and seed; all of the second, with its new policy.
      const tuned = fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-'));
      expect(tuned.sort()).toEqual(['epoch-1 1 r1', ...[0, 1, 2, 3].map((position) => `epoch-2.v2 ${position} r1`)]);
      expect(fakes.of('trainPolicy')).toEqual([KEPT_WHOLE, '2 1,3']);
      expect(fakes.of('summariseMethod')).toEqual(['seal-epoch-1', 'seal-epoch-2']);
      expect(fakes.revisions).toEqual([
        {
          revision: 1,
          action: OPERATOR,
          retried: { epoch: 1, candidates: 1 },
          changed: true,
          finished: 2,
        },
      ]);
      expect(after.snapshot.finished).toMatchObject({ revision: 1, retryable: 0, epoch: { epoch: 2, candidates: 2, selection: 2, policy: 2 } });
    });
  });

  test('change nothing after them where selection keeps what it kept', async () => {
    const fakes = breakable();
    fakes.broken.set(0, 'ComputeProcessDiedError');
    const input = campaignInput('unchanged', TWO_EPOCHS);
    await temporal.withActivities(fakes.activities, async () => {
      const before = await (await temporal.start(input)).result();
      expect(fakes.of('trainPolicy')).toEqual([KEPT_WHOLE, '2 1,3']);
      fakes.broken.clear();
      fakes.calls.length = 0;
      const after = await retryFailed(input, before);
      expect(fakes.summaries().map(({ failed }) => failed)).toEqual([0, 0]);
      expect(after.policy).toBe(before.policy);
      expect(fakes.of('fineTuneAdapters')).toEqual(['epoch-1 0 r1']);
      expect(fakes.of('selectSelfEdits')).toEqual([KEPT_WHOLE]);
      expect(fakes.of('trainPolicy')).toEqual([]);
      expect(fakes.of('summariseMethod')).toEqual([]);
      expect(fakes.revisions).toEqual([expect.objectContaining({ changed: false })]);
      expect(after.snapshot.finished.epoch).toEqual({ epoch: 2, candidates: 1, selection: 1, policy: 1 });
    });
  });

  test('that can never work are left as they are: the same again would fail', async () => {
    const fakes = breakable();
    fakes.broken.set(1, 'NotFiniteError');
    const input = campaignInput('diverged', TWO_EPOCHS);
    await temporal.withActivities(fakes.activities, async () => {
      const before = await (await temporal.start(input)).result();
      fakes.calls.length = 0;
      const summaries = fakes.summaries();
      await retryFailed(input, before);
      expect(fakes.summaries()).toEqual(summaries);
      expect(fakes.of('fineTuneAdapters')).toEqual([]);
      expect(fakes.revisions).toEqual([]);
    });
  });

  test('that fail again are tried once more by the next request, which counts on', async () => {
    const fakes = breakable();
    fakes.broken.set(1, 'ComputeProcessDiedError');
    const input = campaignInput('again', { ...TWO_EPOCHS, epochs: 1 });
    await temporal.withActivities(fakes.activities, async () => {
      const first = await (await temporal.start(input)).result();
      const second = await retryFailed(input, first);
      expect(fakes.summaries()[0]).toMatchObject({ failed: 1 });
      fakes.broken.clear();
      const third = await retryFailed(input, second);
      expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
      expect(fakes.revisions.map(({ revision, changed }) => ({ revision, changed }))).toEqual([
        { revision: 1, changed: false },
        { revision: 2, changed: true },
      ]);
      expect(third.policy).toBe('policy-1.v3');
    });
  });
});

test('while the epoch runs, failed candidates are tried again before it selects', async () => {
  const fakes = breakable();
  fakes.broken.set(1, 'ComputeProcessDiedError');
  let release = (): void => undefined;
  const input = campaignInput('running', { ...TWO_EPOCHS, epochs: 1 });
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(input);
    await eventually('the epoch', async () => (await handle.query(progressQuery)).phase === 'epoch 1: candidates');
    fakes.hold = new Promise((resolve) => (release = resolve));
    await eventually('the failure', async () => (await handle.query(progressQuery)).candidates.failed === 1);
    fakes.broken.clear();
    await handle.executeUpdate(retryFailedUpdate, { args: [OPERATOR] });
    release();
    fakes.hold = null;
    await handle.result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 4, failed: 0 });
    expect(fakes.of('trainPolicy')).toEqual([KEPT_WHOLE]);
    expect(fakes.revisions).toEqual([]);
  });
});

test('a wish that comes before anything has failed covers what fails later in the running epoch', async () => {
  let [hear, mend] = [(): void => undefined, (): void => undefined];
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const mended = new Promise<void>((resolve) => (mend = resolve));
  let isBroken = true;
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: async (task) => {
      if (task.scope.scope === 'epoch-1') {
        await heard;
        if (task.group.from === 1 && isBroken) throw ApplicationFailure.nonRetryable('on purpose', 'ComputeProcessDiedError');
        if (task.group.from === 3) await mended;
      }
      return answer.fineTuneAdapters(task);
    },
  }));
  const input = campaignInput('early', { ...TWO_EPOCHS, epochs: 1 });
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(input);
    await eventually('the epoch', async () => (await handle.query(progressQuery)).phase === 'epoch 1: candidates');
    expect((await handle.executeUpdate(retryFailedUpdate, { args: [OPERATOR] })).candidates.failed).toBe(0);
    hear();
    await eventually('the failure', async () => (await handle.query(progressQuery)).candidates.failed === 1);
    isBroken = false;
    mend();
    await handle.result();
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 4, failed: 0 });
    expect(fakes.of('trainPolicy')).toEqual([KEPT_WHOLE]);
  });
});

test('a campaign that failed goes on with the part that failed', async () => {
  let isBroken = true;
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    trainPolicy: (task) => (isBroken && task.versions.epoch === 2 ? Promise.reject(ApplicationFailure.nonRetryable('no memory', 'OutOfMemoryError')) : answer.trainPolicy(task)),
  }));
  const input = campaignInput('failed', TWO_EPOCHS);
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start({ ...input, timings: { ...input.timings, budgets: { 'out-of-memory': 1 } } });
    const error: { readonly cause?: { readonly details?: readonly unknown[] } } = await handle.result().then(
      () => ({}),
      (reason: unknown) => reason as object,
    );
    const ended = error.cause?.details?.[0] as CampaignResult;
    expect(ended).toMatchObject({ state: 'failed', snapshot: { finished: { epoch: { epoch: 1 } } } });
    isBroken = false;
    fakes.calls.length = 0;
    const after = await retryFailed(input, ended);
    expect(after).toMatchObject({ state: 'completed', policy: 'policy-2' });
    expect(fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1'))).toEqual([]);
    expect(fakes.of('summariseMethod')).toEqual(['seal-epoch-2']);
  });
});
