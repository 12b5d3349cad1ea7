import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { SealActivities } from '../../activities';
import { type LostComputation, WORKER } from '../../activities/execution/running-activity';
import { collectReport } from '../../report/collect-report';
import { type CampaignInput } from '../../campaign/campaign';
import { ComputeProcessDiedError, ServerUnreachableError } from '../../campaign/errors';
import { type Ledger, NOTHING_SPENT, spentTogether } from '../../campaign/ledger';
import { type CampaignReport, publishedReport, reportFile } from '../../record/documents/report';
import type { WorkRecord } from '../../record/documents/work';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { cancelUpdate } from '../../workflows/messages';
import { removedFixtures, type ActivityFixture } from '../activities/activity-fixture';
import { FAST_TIMINGS } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { eventually, TemporalFixture } from './temporal-fixture';
import { DOMAINS } from '../../seal/domains/registry';

// A campaign on a real server whose attempts fail in every way, and its ledger against its records of work.
jest.setTimeout(180_000);

const fixture = removedFixtures();
let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
});
afterAll(() => temporal.stop());

async function records({ store }: ActivityFixture, campaignId: string): Promise<WorkRecord[]> {
  const keys = await store.list(keyPrefixes.work(campaignId));
  return Promise.all(keys.map(async (key) => (await store.readManifest(key)).summary as unknown as WorkRecord));
}

const COSTS = ['trainSeconds', 'evaluateSeconds', 'generateSeconds', 'trainedTokens', 'generatedTokens', 'redoneSteps', 'peakMemoryBytes'] as const;

/** Expects that a ledger has all that the records of work tell of. */
async function expectRecorded(made: ActivityFixture, campaignId: string, ledger: Ledger): Promise<WorkRecord[]> {
  const all = await records(made, campaignId);
  const recorded = all.reduce((sum, { spent }) => spentTogether(sum, spent), NOTHING_SPENT);
  for (const field of COSTS) expect([field, ledger[field].toFixed(2)]).toEqual([field, recorded[field].toFixed(2)]);
  return all;
}

/** A group whose first attempt is lost during its computation: it beats, then nothing more is heard of it. */
function losing(activities: SealActivities, from: number): SealActivities {
  let isLost = false;
  return {
    ...activities,
    async fineTuneAdapters(task) {
      const context = Context.current();
      const { scope, group, repeat } = task;
      if (group.from !== from || scope.scope !== 'epoch-1' || isLost) return activities.fineTuneAdapters(task);
      isLost = true;
      const startedMs = Date.now() - 7000;
      const computation: LostComputation = { kind: 'fine-tune', scope: scope.scope, ...group, repeat, worker: WORKER, attempt: 1, startedMs, heardMs: Date.now(), peakMemoryBytes: 5_000_000, redoneSteps: 2 };
      context.heartbeat({ done: 3, total: 9, unit: 'steps', computation });
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
  return reportFile.read(made.store, await publishedReport.read(made.store, key));
}

test('every computation is recorded once, whatever failed or was lost, and the ledger is their sum', async () => {
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
  expect(ledger.wallSeconds).toBeGreaterThan(4);
  const all = await expectRecorded(made, 'costly', ledger);
  const [failed, lost] = (['failed', 'lost'] as const).map((outcome) => all.filter((record) => record.outcome === outcome)) as [WorkRecord[], WorkRecord[]];
  expect(failed).toHaveLength(4);
  // The lost attempt is there by what its heartbeat had told.
  expect(lost).toEqual([expect.objectContaining({ kind: 'fine-tune', from: 4, to: 6, attempt: 1, seconds: 7, spent: expect.objectContaining({ trainSeconds: 7, redoneSteps: 2, peakMemoryBytes: 5_000_000 }) as unknown })]);
  expect(ledger.retries).toBe(failed.length + lost.length);
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
    return reportFile.read(store, await publishedReport.read(store, key));
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
    const { report } = await collectReport(made.store, 'terminated', 'failed', 0, DOMAINS);
    const all = await expectRecorded(made, 'terminated', report.ledger);
    // The third group's may have begun when the second's made room.
    const failed = all.filter(({ kind, outcome }) => kind === 'fine-tune' && outcome === 'failed').length;
    expect(failed).toBeGreaterThan(0);
    expect(report.ledgerByWorker.map((row) => ({ name: row.name, failed: row.failed }))).toEqual([{ name: all[0]!.worker, failed }]);
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
