import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SealActivities } from '../../activities';
import { Expenses } from '../../activities/execution/expenses';
import { collectReport } from '../../activities/report/collect-report';
import { getManifestJson } from '../../activities/stored/stored-json';
import { type CampaignInput, type CampaignReport, manifestKeys } from '../../contracts/campaign';
import { ComputeProcessDiedError, ServerUnreachableError } from '../../contracts/errors';
import { type Ledger, NOTHING_SPENT, type Spent, spentIn, spentTogether } from '../../contracts/ledger';
import type { WorkRecord } from '../../contracts/report-details';
import { cancelUpdate } from '../../workflows/messages';
import { removedFixtures, type ActivityFixture } from '../activities/activity-fixture';
import { FAST_TIMINGS } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';

// A campaign on a real server whose attempts fail in every way, and its ledger against what its histories say.
jest.setTimeout(180_000);

const fixture = removedFixtures();
let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

interface Told {
  /** Costs in the results and failures of activities. */
  readonly spent: Spent;
  /** Attempts beyond the first: those that the server counts, and those that the workflow scheduled after a failure. */
  readonly retries: number;
  readonly failedAttempts: number;
}

/** What the histories of a campaign and of all its children say of the costs of their activities. */
async function toldByHistories(campaignId: string): Promise<Told> {
  const { client } = temporal.environment;
  let [spent, retries, failedAttempts] = [NOTHING_SPENT, 0, 0];
  for await (const { workflowId, runId } of client.workflow.list({ query: `SealCampaign = '${campaignId}' OR WorkflowId = '${campaignId}'` })) {
    const { events = [] } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of events ?? []) {
      const completed = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
      if (completed) spent = spentTogether(spent, spentIn(defaultPayloadConverter.fromPayload(completed)));
      const failure = event.activityTaskFailedEventAttributes?.failure;
      if (failure) {
        const [details] = failure.applicationFailureInfo?.details?.payloads ?? [];
        if (details) spent = spentTogether(spent, spentIn(defaultPayloadConverter.fromPayload(details)));
        failedAttempts += 1;
        retries += 1;
      }
      retries += Math.max(0, (event.activityTaskStartedEventAttributes?.attempt ?? 1) - 1);
    }
  }
  return { spent, retries, failedAttempts };
}

async function records({ store }: ActivityFixture, campaignId: string): Promise<WorkRecord[]> {
  const keys = await store.list(manifestKeys.works(campaignId));
  return Promise.all(keys.map(async (key) => (await store.readManifest(key)).summary as unknown as WorkRecord));
}

const COSTS = ['trainSeconds', 'evaluateSeconds', 'generateSeconds', 'trainedTokens', 'generatedTokens', 'redoneSteps', 'peakMemoryBytes'] as const;

/** Expects that a ledger has all that the records of work tell of. */
async function expectRecorded(made: ActivityFixture, campaignId: string, ledger: Ledger): Promise<WorkRecord[]> {
  const all = await records(made, campaignId);
  const recorded = all.reduce((sum, { spent }) => spentTogether(sum, spent ?? {}), NOTHING_SPENT);
  for (const field of COSTS) expect([field, ledger[field].toFixed(2)]).toEqual([field, recorded[field].toFixed(2)]);
  return all;
}

/** A position whose first attempt is lost amid its computation: it beats, then nothing more is heard of it. */
function losing(activities: SealActivities, position: number): SealActivities {
  return {
    ...activities,
    async fineTuneAdapter(task) {
      const context = Context.current();
      if (task.position !== position || task.scope.scope !== 'epoch-1' || context.info.attempt > 1) return activities.fineTuneAdapter(task);
      const expenses = new Expenses(1, undefined);
      const work = { kind: 'fine-tune', scope: task.scope.scope, from: position, to: position + 1, repeat: task.repeat } as const;
      expenses.goesOn({ work, startedMs: Date.now() - 7000, peakMemoryBytes: 5_000_000, redoneSteps: 2 });
      context.heartbeat({ done: 3, total: 9, unit: 'steps', ...expenses.details() });
      await sleep(6000, undefined, { signal: context.cancellationSignal });
      throw new Error('never heard');
    },
  };
}

async function finished(made: ActivityFixture, input: CampaignInput): Promise<CampaignReport> {
  const fakes = fakeActivities().activities;
  const { archiveHistories, awaitWorkflows } = fakes;
  await temporal.withActivities({ ...losing(made.activities, 4), archiveHistories, awaitWorkflows }, async () => (await temporal.start(input)).result());
  const key = manifestKeys.report(input.campaignId);
  return getManifestJson<CampaignReport>(made.store, key, await made.store.readManifest(key), 'report.json');
}

test('the ledger is the sum over the attempts that the histories show, and over the records of work, whatever failed', async () => {
  const made = fixture();
  let fineTunes = 0;
  made.controls.onFineTune = async () => {
    fineTunes += 1;
    await sleep(40);
    if (fineTunes === 3) throw new ServerUnreachableError('not there, the server tries again');
    if (fineTunes === 5) throw new ComputeProcessDiedError('died, the workflow tries again');
  };
  let generates = 0;
  made.controls.onGenerate = async () => {
    generates += 1;
    await sleep(20);
    if (generates === 2 || generates === 6) throw new ComputeProcessDiedError('died, the workflow tries again');
  };
  const input = {
    ...(await made.input('costly', { evaluation: { baselines: ['base', 'passage-only'] }, concurrency: { group: 2 } })),
    timings: { ...FAST_TIMINGS, heartbeatTimeoutMs: 4000 },
  };
  const { ledger } = await finished(made, input);
  const told = await toldByHistories('costly');
  expect(told.failedAttempts).toBeGreaterThanOrEqual(3);
  const { wallSeconds, ...costs } = ledger;
  expect(wallSeconds).toBeGreaterThan(4);
  for (const field of COSTS) expect([field, costs[field].toFixed(6)]).toEqual([field, told.spent[field].toFixed(6)]);
  expect(costs.retries).toBe(told.retries);

  const all = await expectRecorded(made, 'costly', ledger);
  // The lost attempt is there by what its heartbeat had told.
  const [lost, ...others] = all.filter(({ outcome }) => outcome === 'lost');
  expect(others).toEqual([]);
  expect(lost).toMatchObject({ kind: 'fine-tune', from: 4, attempt: 1, spent: { redoneSteps: 2, peakMemoryBytes: 5_000_000 } });
  expect(lost!.seconds).toBeGreaterThanOrEqual(7);
  // Its group was computed meanwhile by the other member: nothing more was done again.
  expect(ledger.redoneSteps).toBe(2);
  expect(all.filter(({ outcome }) => outcome === 'failed').length).toBe(4);
});

describe('the ledger of a campaign that ends otherwise than by completing has what its running part had spent', () => {
  /** Three groups of two candidates. */
  const SPEC = { evaluation: { baselines: ['base'] }, concurrency: { group: 2 } };

  /** Runs `body` amid the second group's fine-tune, which does not end by itself. */
  async function amidFineTune(made: ActivityFixture, input: CampaignInput, body: (handle: Awaited<ReturnType<TemporalFixture['start']>>) => Promise<void>): Promise<void> {
    let fineTunes = 0;
    made.controls.onFineTune = async () => {
      fineTunes += 1;
      await sleep(fineTunes === 1 ? 60 : 100_000, undefined, { ref: false });
    };
    const { archiveHistories, awaitWorkflows } = fakeActivities().activities;
    await temporal.withActivities({ ...made.activities, archiveHistories, awaitWorkflows }, async () => {
      const handle = await temporal.start(input);
      await eventually('the second group to be trained', () => fineTunes === 2);
      await sleep(100);
      await body(handle);
    });
  }

  async function reportOf({ store }: ActivityFixture, key: string): Promise<CampaignReport> {
    return getManifestJson<CampaignReport>(store, key, await store.readManifest(key), 'report.json');
  }

  test('cancelled', async () => {
    const made = fixture();
    await amidFineTune(made, { ...(await made.input('cancelled', SPEC)), timings: FAST_TIMINGS }, async (handle) => {
      await handle.executeUpdate(cancelUpdate, { args: [{ by: 'test', why: 'to see its ledger' }] });
      const { report } = await handle.result();
      const all = await expectRecorded(made, 'cancelled', (await reportOf(made, report!)).ledger);
      // The third group's may have begun when the second's made room.
      expect(all.filter(({ kind, outcome }) => kind === 'fine-tune' && outcome === 'failed').length).toBeGreaterThan(0);
    });
  });

  test('terminated', async () => {
    const made = fixture();
    await amidFineTune(made, { ...(await made.input('terminated', SPEC)), timings: FAST_TIMINGS }, async (handle) => {
      await handle.terminate('to see its ledger');
      await eventually('the running fine-tune to be recorded', async () => (await records(made, 'terminated')).some(({ outcome }) => outcome === 'failed'));
    });
    // What the command line knows where nobody can ask the workflow.
    const { report } = await collectReport(made.store, 'terminated', 'failed', { wallSeconds: 0, ...NOTHING_SPENT });
    const all = await expectRecorded(made, 'terminated', report.ledger);
    expect(all.filter(({ kind }) => kind === 'fine-tune')).toHaveLength(2);
    expect(report.ledgerByWorker.map(({ name, failed }) => ({ name, failed }))).toEqual([{ name: all[0]!.worker, failed: 1 }]);
  });

  test('failed', async () => {
    const made = fixture();
    let fineTunes = 0;
    made.controls.onFineTune = async () => {
      fineTunes += 1;
      await sleep(30);
      // The fourth is the M-step's.
      if (fineTunes === 4) throw new Error('a bug');
    };
    const { archiveHistories, awaitWorkflows } = fakeActivities().activities;
    await temporal.withActivities({ ...made.activities, archiveHistories, awaitWorkflows }, async () => {
      const handle = await temporal.start({ ...(await made.input('failed', SPEC)), timings: FAST_TIMINGS });
      await expect(handle.result()).rejects.toThrow();
    });
    const [key] = (await made.store.list('campaigns/failed/reports/')).filter((one) => one.endsWith('.json'));
    const all = await expectRecorded(made, 'failed', (await reportOf(made, key!)).ledger);
    expect(all.find(({ kind }) => kind === 'm-step')).toMatchObject({ outcome: 'failed' });
  });
});
