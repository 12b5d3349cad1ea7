import { ApplicationFailure } from '@temporalio/client';
import { activityInfo, Context } from '@temporalio/activity';
import type { GroupTask, SealActivities } from '../../activities/activity-types';
import { FAILURE_CLASSES, failureClassOf } from '../../campaign/failures';
import { waitingActivities, type WaitingActivities } from '../../cli/waiting-activities';
import { campaignInput } from './campaign-input';
import { type FakeActivities, fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

jest.setTimeout(120_000);

let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

interface Attempt {
  readonly memoryParts: number | undefined;
  /** Of the server. */
  readonly attempt: number;
}

/** A campaign of one context and two candidates, of which candidate 2's fine-tune fails as `fail` says, by attempts so far. */
function withFailures(fail: (attempts: number) => Promise<void> | void): FakeActivities & { readonly attempts: Attempt[] } {
  const attempts: Attempt[] = [];
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(
    (): Partial<SealActivities> => ({
      fineTuneAdapters: async (task: GroupTask) => {
        if (task.scope.scope === 'epoch-1' && task.group.from === 1) {
          attempts.push({ memoryParts: (task as { readonly memoryParts?: number }).memoryParts, attempt: activityInfo().attempt });
          await fail(attempts.length);
        }
        return answer.fineTuneAdapters(task);
      },
    }),
  );
  return { ...fakes, attempts };
}

function failure(type: string, retriedByServer = false): ApplicationFailure {
  return ApplicationFailure.create({ message: 'on purpose', type, nonRetryable: !retriedByServer });
}

async function run(name: string, fakes: FakeActivities, timings = {}) {
  const input = campaignInput(name, { contexts: 1, heldOut: 1 });
  return temporal.withActivities(fakes.activities, async () => {
    const handle = await temporal.start({ ...input, timings: { ...input.timings, budgets: {}, ...timings } });
    await handle.result();
    return { handle };
  });
}

describe('attempts of an activity', () => {
  const counted = Object.entries(FAILURE_CLASSES).filter(([, { retriedBy }]) => retriedBy === 'workflow');

  test.each(counted.map(([name, { types, budget }]) => [name, types[0] as string, budget] as const))(
    'that fail as %s are as many as its budget grants, and one more',
    async (name, type, budget) => {
      const fakes = withFailures(() => {
        throw failure(type);
      });
      const { handle } = await run(`budget-${name}`, fakes);
      expect(fakes.attempts).toHaveLength(budget + 1);
      // Each of them is the workflow's own, so that it stands in history.
      expect(fakes.attempts.map(({ attempt }) => attempt)).toEqual(fakes.attempts.map(() => 1));
      expect(fakes.summaries()[0]).toMatchObject({ proposed: 2, failed: 1 });
      const history = await temporal.environment.client.workflow.getHandle(`${handle.workflowId}/epoch-1/train0/c2`).fetchHistory();
      const failed = history.events?.filter(({ activityTaskFailedEventAttributes }) => activityTaskFailedEventAttributes !== undefined && activityTaskFailedEventAttributes !== null) ?? [];
      expect(failed).toHaveLength(budget + 1);
    },
  );

  test.each(['BadInputError', 'NotFiniteError', 'TypeError'])('are not repeated where trying again cannot help: %s', async (type) => {
    const fakes = withFailures(() => {
      throw failure(type);
    });
    await run(`never-${type.toLowerCase()}`, fakes);
    expect(fakes.attempts).toHaveLength(1);
    expect(fakes.summaries()[0]?.failed).toBe(1);
  });

  test('after memory ran out ask for half as much at once, each time', async () => {
    const fakes = withFailures((attempts) => {
      if (attempts <= 3) throw failure('OutOfMemoryError');
    });
    await run('less-memory', fakes);
    expect(fakes.attempts.map(({ memoryParts }) => memoryParts)).toEqual([undefined, 2, 4, 8]);
    expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
  });

  test('have budgets of their own by class', async () => {
    const fakes = withFailures((attempts) => {
      if (attempts <= 2) throw failure('ComputeProcessDiedError');
      if (attempts <= 4) throw failure('ComputeStalledError');
    });
    await run('by-class', fakes, { budgets: { 'process-died': 2, stalled: 2 } });
    expect(fakes.attempts).toHaveLength(5);
    expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
  });

  test('that wait for a store are the server\'s, without number and without events', async () => {
    const fakes = withFailures((attempts) => {
      if (attempts <= 12) throw failure('ServerUnreachableError', true);
    });
    const { handle } = await run('outage', fakes);
    expect(fakes.attempts.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
    expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
    const history = await temporal.environment.client.workflow.getHandle(`${handle.workflowId}/epoch-1/train0/c2`).fetchHistory();
    expect(history.events?.some(({ activityTaskFailedEventAttributes }) => activityTaskFailedEventAttributes !== undefined && activityTaskFailedEventAttributes !== null)).toBe(false);
  });

  test('whose worker fell silent do not count', async () => {
    // Hangs without a heartbeat, as a killed worker does, more often than any class grants.
    const fakes = withFailures(async (attempts) => {
      if (attempts <= 3) await Promise.race([new Promise((resolve) => setTimeout(resolve, 60_000).unref()), Context.current().cancelled]);
    });
    await run('silent', fakes, { heartbeatTimeoutMs: 1_000, budgets: { 'process-died': 0, stalled: 0 } });
    expect(fakes.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(fakes.summaries()[0]).toMatchObject({ failed: 0 });
  });

  test('that run into their own time limit are stalled ones', async () => {
    const input = campaignInput('time-limit', { contexts: 1, heldOut: 1, concurrency: { candidates: 1 } });
    const fakes = withFailures(async () => {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), 100);
      await context.cancelled.finally(() => clearInterval(beat));
    });
    await temporal.withActivities(fakes.activities, async () => {
      const spec = { ...input.spec, limits: { ...input.spec.limits, activitySeconds: 1 } };
      const handle = await temporal.start({ ...input, spec, timings: { ...input.timings, budgets: { stalled: 1 } } });
      await handle.result();
      expect(fakes.attempts).toHaveLength(2);
      expect(fakes.summaries()[0]).toMatchObject({ failed: 1 });
    });
  });

  test('that failed are seen while they wait', async () => {
    let isDown = true;
    const fakes = withFailures(() => {
      if (isDown) throw failure('StoreFailedError', true);
    });
    const input = campaignInput('seen', { contexts: 1, heldOut: 1 });
    await temporal.withActivities(fakes.activities, async () => {
      const handle = await temporal.start(input);
      let waiting: WaitingActivities[] = [];
      await eventually('the failure to be seen', async () => {
        waiting = await waitingActivities(temporal.environment.client, 'seen');
        return (waiting[0]?.attempts ?? 0) > 2;
      });
      expect(waiting).toEqual([expect.objectContaining({ activity: 'fineTuneAdapters', workflows: 1, failure: 'StoreFailedError', message: 'on purpose' })]);
      isDown = false;
      await handle.result();
    });
  });
});

test('every error class that activities throw has one class of failures', () => {
  const types = Object.values(FAILURE_CLASSES).flatMap(({ types: named }) => [...named]);
  expect(new Set(types).size).toBe(types.length);
  for (const type of types) expect(FAILURE_CLASSES[failureClassOf(type)].types).toContain(type);
  expect(failureClassOf('RangeError')).toBe('bug');
  expect(failureClassOf(undefined)).toBe('bug');
});
