import { ApplicationFailure, type WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import type { GroupTask, SealActivities } from '../../activities/activity-types';
import type { CampaignInput } from '../../campaign/campaign';
import type { CampaignResult } from '../../workflows/campaign';
import { cancelUpdate, pauseUpdate, progressQuery, resumeUpdate, setConcurrencyUpdate } from '../../workflows/messages';
import { epochSummary } from '../../seal/report-data';
import { campaignInput, type InputOptions } from './campaign-input';
import { type FakeActivities, fakeActivities, fakeReward, positionsOf } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(120_000);

const OPERATOR = { by: 'tester', why: 'to see what happens' };

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

function run(fakes: FakeActivities, input: CampaignInput): Promise<CampaignResult> {
  return temporal.withActivities(fakes.activities, async () => (await temporal.start(input)).result());
}

/** An activity that waits until it is released, beating so that a cancellation reaches it. */
function gated(): { release(): void; wait(): Promise<void>; readonly waiting: () => number; readonly cancelled: () => number } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let waiting = 0;
  let cancelled = 0;
  return {
    release: () => open(),
    waiting: () => waiting,
    cancelled: () => cancelled,
    async wait() {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), 100);
      waiting += 1;
      try {
        await Promise.race([opened, context.cancelled]);
      } catch (error) {
        cancelled += 1;
        throw error;
      } finally {
        waiting -= 1;
        clearInterval(beat);
      }
    },
  };
}

/** Wraps one fake answer. */
function before<Name extends keyof SealActivities>(name: Name, act: (task: Parameters<SealActivities[Name]>[0]) => Promise<void> | void): Partial<SealActivities> {
  const answer = fakeActivities().activities[name] as (task: unknown) => Promise<unknown>;
  return {
    [name]: async (task: Parameters<SealActivities[Name]>[0]) => {
      await act(task);
      return answer(task);
    },
  };
}

/** Fails candidate 1 of the first context so many times, as a class of failures that the workflow answers. */
function failing(times: number, type: string): (task: GroupTask) => void {
  let left = times;
  return ({ scope, group }) => {
    if (scope.split !== 'train' || group.from !== 1 || left === 0) return;
    left -= 1;
    throw ApplicationFailure.nonRetryable('broken on purpose', type);
  };
}

describe('a campaign', () => {
  test('evaluates baselines as the file orders them, runs its epochs, evaluates each new policy and reports', async () => {
    const fakes = fakeActivities();
    const result = await run(
      fakes,
      campaignInput('whole', {
        contexts: 3,
        epochs: 2,
        evaluation: { baselines: ['oracle', 'passage-only-step-matched', 'base', 'passage-only'] },
      }),
    );
    expect(result.state).toBe('completed');
    expect(result.report).toBe('report-completed');
    expect(result.policy).toBe('policy-2');
    expect(fakes.of('summariseMethod')).toEqual([
      'oracle',
      'base',
      'passage-only',
      'self-edits',
      'passage-only-step-matched',
      'seal-epoch-1',
      'seal-epoch-2',
    ]);
    expect(fakes.of('writeReport')).toEqual(['completed']);
    // Every candidate of both epochs once, no more.
    const candidates = fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-'));
    const expected = [1, 2].flatMap((epoch) => Array.from({ length: 6 }, (_, position) => `epoch-${epoch} ${position} r1`));
    expect(candidates.sort()).toEqual(expected.sort());
  });

  test('asks the endpoint for the self-edits it is named for, and the policy for its own held-out ones', async () => {
    const sources: string[] = [];
    const fakes = fakeActivities(() => before('proposeSelfEdits', ({ scope, source }) => void sources.push(`${scope} ${source}`)));
    const endpoint = { url: 'http://localhost:1/v1', model: 'm', protocol: 'chat', concurrency: 1, timeoutSeconds: 1, retries: 0 } as const;
    const baselines = ['endpoint', 'self-edits', 'oracle'] as const;
    await run(fakes, campaignInput('endpoint', { proposals: { source: 'endpoint', endpoint }, evaluation: { baselines: [...baselines] } }));
    expect(fakes.of('summariseMethod')).toEqual(['endpoint', 'self-edits', 'oracle', 'seal-epoch-1']);
    expect(sources).toEqual(['evaluation/endpoint endpoint', 'evaluation/self-edits policy', 'epoch-1 endpoint', 'evaluation/seal-epoch-1 policy']);
  });

  test('keeps the best candidate of each context and trains the policy on it', async () => {
    const fakes = fakeActivities();
    await run(fakes, campaignInput('selects', { contexts: 2, proposals: { k: 4 } }));
    const best = [0, 4].map((from) => [0, 1, 2, 3].map((i) => from + i).reduce((a, b) => (fakeReward(b) > fakeReward(a) ? b : a)));
    expect(fakes.of('trainPolicy')).toEqual([`1 ${best.join(',')}`]);
    expect(fakes.summaries()).toEqual([
      expect.objectContaining({ epoch: 1, proposed: 8, rejected: 0, failed: 0, kept: 2, bestReward: Math.max(...best.map(fakeReward)) }),
    ]);
  });

  test.each<[string, InputOptions, string[]]>([
    ['best-of-k', {}, []],
    ['improves', { selection: { rule: 'improves' } }, ['epoch-1 1']],
    ['logprob', { reward: { grader: 'logprob' } }, ['epoch-1 1']],
  ])('asks the unadapted policy only where rewards or selection compare with it: %s', async (name, options, asked) => {
    const fakes = fakeActivities();
    await run(fakes, campaignInput(`compares-${name}`, options));
    expect(fakes.of('evaluateBase').filter((what) => what.startsWith('epoch-'))).toEqual(asked);
  });

  test('whose selection keeps nothing leaves the policy as it is, and evaluates it all the same', async () => {
    const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: '' };
    const fakes = fakeActivities(() => ({ selectSelfEdits: () => Promise.resolve({ selection: ref, summary: epochSummary(1, [], 0), retryable: 0, isAsBefore: false }) }));
    const result = await run(fakes, campaignInput('keeps-nothing'));
    expect(fakes.summaries()[0]?.kept).toBe(0);
    expect(result.policy).toBeNull();
    expect(fakes.of('summariseMethod')).toContain('seal-epoch-1');
  });

  test('repeats each candidate and averages its rewards', async () => {
    const fakes = fakeActivities(() => ({ evaluateAdapters: ({ group, repeat }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, reward: position + repeat / 10 })) }) }));
    await run(fakes, campaignInput('repeats', { contexts: 1, innerLoop: { repeats: 3 } }));
    expect(fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1 0'))).toEqual(['epoch-1 0 r1', 'epoch-1 0 r2', 'epoch-1 0 r3']);
    expect(fakes.summaries()[0]?.bestReward).toBeCloseTo(1.2, 10);
  });
});

describe('candidates that do not work out', () => {
  test.each<[string, Partial<SealActivities>, { rejected: number; failed: number; calls: number }]>([
    [
      'a rejected self-edit is left out without a fine-tune',
      { validateSelfEdit: ({ position }) => Promise.resolve(position === 1 ? { accepted: false, reason: 'empty' } : { accepted: true }) },
      { rejected: 1, failed: 0, calls: 3 },
    ],
    [
      'a fine-tune that fails twice is retried and scored',
      before('fineTuneAdapters', failing(2, 'ComputeProcessDiedError')),
      { rejected: 0, failed: 0, calls: 6 },
    ],
    [
      'a fine-tune that always fails is given up, and the epoch goes on',
      before('fineTuneAdapters', failing(Infinity, 'ComputeProcessDiedError')),
      { rejected: 0, failed: 1, calls: 6 },
    ],
    [
      'a diverged fine-tune is not retried',
      {
        fineTuneAdapters: ({ group, repeat }) =>
          Promise.resolve({ members: positionsOf(group).map((position) => ({ position, ...(position === 1 ? { diverged: 'loss is NaN' } : { adapter: `adapter-${position}-r${repeat}` }) })) }),
      },
      { rejected: 0, failed: 1, calls: 4 },
    ],
    [
      'an evaluation that always fails is given up',
      before('evaluateAdapters', failing(Infinity, 'ComputeProcessDiedError')),
      { rejected: 0, failed: 1, calls: 4 },
    ],
  ])('%s', async (name, overrides, expected) => {
    const fakes = fakeActivities(() => overrides);
    const result = await run(fakes, campaignInput(name.replace(/[^a-z]+/g, '-')));
    expect(result.state).toBe('completed');
    expect(fakes.summaries()[0]).toMatchObject({ proposed: 4, rejected: expected.rejected, failed: expected.failed });
    expect(fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1'))).toHaveLength(expected.calls);
    // Of the first context only the other candidate is left, of the second the better one is kept.
    if (expected.rejected + expected.failed > 0) expect(fakes.of('trainPolicy')).toEqual(['1 0,3']);
  });

  test('a campaign that cannot go on fails with a partial report', async () => {
    const fakes = fakeActivities(() => ({ trainPolicy: () => Promise.reject(ApplicationFailure.nonRetryable('diverged', 'NotFiniteError')) }));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('hopeless'));
      const error = await handle.result().catch((reason: WorkflowFailedError) => reason);
      expect(error).toMatchObject({ cause: { type: 'CampaignFailed', message: 'NotFiniteError: diverged' } });
      expect(fakes.of('writeReport')).toEqual(['failed']);
      expect(await handle.query(progressQuery)).toMatchObject({ state: 'failed', report: { key: 'report-failed' } });
    });
  });
});

describe('the window', () => {
  test.each<[window: number, group: number, most: number]>([
    [3, 1, 3],
    [5, 2, 2],
    [2, 4, 1],
  ])('%i candidates at once in groups of %i computes at most %i groups', async (candidates, group, most) => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope }) => (scope.scope === 'epoch-1' ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const input = campaignInput(`window-${candidates}-${group}`, { contexts: 6, concurrency: { candidates, group } });
      const handle = await temporal.start(input);
      await eventually('a full window', () => gate.waiting() === most);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(gate.waiting()).toBe(most);
      gate.release();
      await handle.result();
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 12, failed: 0 });
    });
  });

  test('another concurrency takes effect on a running epoch', async () => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope }) => (scope.scope === 'epoch-1' ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('wider', { contexts: 4, concurrency: { candidates: 1 } }));
      await eventually('one candidate', () => gate.waiting() === 1);
      await handle.executeUpdate(setConcurrencyUpdate, { args: [{ ...OPERATOR, candidates: 5 }] });
      await eventually('five candidates', () => gate.waiting() === 5);
      gate.release();
      await handle.result();
    });
  });
});

describe('operators', () => {
  test('pausing lets running candidates finish and starts no others until resumed', async () => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope }) => (scope.scope === 'epoch-1' ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('paused', { contexts: 4, concurrency: { candidates: 2 } }));
      await eventually('two candidates', () => gate.waiting() === 2);
      const paused = await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] });
      expect(paused.state).toBe('paused');
      gate.release();
      const scored = (): number => fakes.of('evaluateAdapters').filter((what) => what.startsWith('epoch-1')).length;
      await eventually('the two to finish', () => scored() === 2);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(fakes.of('fineTuneAdapters').filter((what) => what.startsWith('epoch-1'))).toHaveLength(2);
      const resumed = await handle.executeUpdate(resumeUpdate, { args: [OPERATOR] });
      expect(resumed.state).toBe('running');
      await handle.result();
      expect(fakes.summaries()[0]?.proposed).toBe(8);
      expect(scored()).toBe(8);
    });
  });

  test('cancelling reaches every child and activity and leaves a partial report', async () => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope }) => (scope.scope === 'epoch-1' ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('cancelled', { contexts: 4, concurrency: { candidates: 3 } }));
      await eventually('three candidates', () => gate.waiting() === 3);
      await handle.executeUpdate(cancelUpdate, { args: [OPERATOR] });
      const result = await handle.result();
      expect(result).toMatchObject({ state: 'cancelled', report: 'report-cancelled' });
      expect(gate.cancelled()).toBe(3);
      expect(gate.waiting()).toBe(0);
      const { client } = temporal.environment;
      for (const id of ['cancelled/epoch-1', 'cancelled/epoch-1/train0/c1', 'cancelled/epoch-1/train0/c2', 'cancelled/epoch-1/train1/c1']) {
        expect([id, (await client.workflow.getHandle(id).describe()).status.name]).toEqual([id, 'CANCELLED']);
      }
      expect(await handle.query(progressQuery)).toMatchObject({ state: 'cancelled', phase: 'cancelled by tester' });
    });
  });

  test('cancelling through Temporal does the same and is seen there', async () => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope }) => (scope.scope === 'epoch-1' ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('cancelled-there'));
      await eventually('a candidate', () => gate.waiting() > 0);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow('Workflow execution cancelled');
      expect(fakes.of('writeReport')).toEqual(['cancelled']);
      expect((await handle.describe()).status.name).toBe('CANCELLED');
    });
  });

  test.each<[string, { by: string; why: string }]>([
    ['by', { by: '', why: 'because' }],
    ['why', { by: 'me', why: ' ' }],
  ])('an action that does not say "%s" is refused', async (field, action) => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', () => gate.wait()));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput(`anonymous-${field}`));
      const error = await handle.executeUpdate(pauseUpdate, { args: [action] }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(WorkflowUpdateFailedError);
      expect(error).toMatchObject({ cause: { type: 'BadInputError' } });
      gate.release();
      await handle.result();
    });
  });
});

describe('what others see', () => {
  test('progress counts candidates and estimates the rest', async () => {
    const gate = gated();
    const fakes = fakeActivities(() => before('fineTuneAdapters', ({ scope, group }) => (scope.scope === 'epoch-1' && group.from >= 2 ? gate.wait() : undefined)));
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(campaignInput('progress', { contexts: 4, concurrency: { candidates: 3 } }));
      await eventually('two candidates to finish', async () => (await handle.query(progressQuery)).candidates.done === 2);
      const progress = await handle.query(progressQuery);
      expect(progress).toMatchObject({ campaignId: 'progress', state: 'running', epoch: 1, phase: 'epoch 1: candidates', candidates: { total: 8, done: 2, failed: 0, rejected: 0 } });
      expect(progress.etaSeconds).toBeGreaterThan(0);
      gate.release();
      await handle.result();
      expect(await handle.query(progressQuery)).toMatchObject({ state: 'completed', candidates: { done: 8, running: 0 }, etaSeconds: 0 });
    });
  });

  test('candidates can be found by their search attributes', async () => {
    const fakes = fakeActivities();
    await run(fakes, campaignInput('searched', { contexts: 2 }));
    const { client } = temporal.environment;
    const found = async (query: string): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
      return ids.sort();
    };
    await eventually('the index', async () => (await found("SealCampaign = 'searched' AND SealStatus = 'scored'")).length === 4);
    expect(await found("SealCampaign = 'searched' AND SealContext = 'train1' AND SealReward > 0.5")).toEqual(['searched/epoch-1/train1/c2']);
    expect(await found("SealCampaign = 'searched' AND SealStatus = 'completed'")).toEqual(['searched']);
  });
});

test('activity failures keep their type, so that a reader of the history knows why', async () => {
  const fakes = fakeActivities(() => before('pinInputs', () => Promise.reject(ApplicationFailure.nonRetryable('model.safetensors: expected sha256 a, got b', 'BadInputError'))));
  await temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start(campaignInput('wrong-model'));
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'BadInputError: model.safetensors: expected sha256 a, got b' } });
    expect(fakes.of('writeReport')).toEqual([]);
  });
});
