import { CancelledFailure } from '@temporalio/common';
import type { AdaptationScope, AdapterTask, PinnedCampaign, Spent } from '../../activities/activity-types';
import { manifestKeys, type MethodScore } from '../../contracts/campaign';
import type { WorkRecord } from '../../contracts/report-details';
import { ComputeProcessDiedError } from '../../contracts/errors';
import { createMemoryStore } from '../../storage/memory-store';
import { activityEnvironment, type ActivityFixture, removedFixtures } from './activity-fixture';

const fixture = removedFixtures();

const GROUPS = [
  { from: 0, to: 4 },
  { from: 4, to: 6 },
];

async function tasks(made: ActivityFixture, spec: Record<string, unknown> = {}): Promise<AdapterTask[]> {
  const scope = await made.proposed(await made.pin('c', spec));
  return GROUPS.flatMap((group) =>
    Array.from({ length: group.to - group.from }, (_, i) => ({ scope, group, position: group.from + i, repeat: 1, repeats: 1 })),
  );
}

/** Blocks fine-tunes until released. */
function hold(made: ActivityFixture): { readonly release: () => void; readonly begun: Promise<void> } {
  let release = (): void => undefined;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const held = new Promise<void>((resolve) => (release = resolve));
  made.controls.onFineTune = () => {
    begin();
    return held;
  };
  return { release: () => release(), begun };
}

const totalOf = (results: readonly { readonly spent: Spent }[]): number => results.reduce((sum, { spent }) => sum + spent.trainSeconds, 0);

/** Of all fine-tunes, as their records have them. */
async function recordedSeconds({ store }: ActivityFixture): Promise<number> {
  const records = await Promise.all((await store.list(manifestKeys.works('c'))).map(async (key) => (await store.readManifest(key)).summary as unknown as WorkRecord));
  return records.reduce((sum, { spent }) => sum + (spent?.trainSeconds ?? 0), 0);
}

describe('a group of candidates', () => {
  test('is computed once, whoever asks and in whatever order', async () => {
    const made = fixture();
    const all = await tasks(made);
    const results = await Promise.all([...all].reverse().map((task) => made.run('fineTuneAdapter', task)));
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.length).sort()).toEqual([2, 4]);
    expect(new Set(results.map(({ adapter }) => adapter)).size).toBe(6);
    // What two computations took is paid once, in shares.
    expect(totalOf(results)).toBeCloseTo(await recordedSeconds(made), 6);
    expect(results.every(({ spent }) => spent.trainSeconds > 0)).toBe(true);
    const again = await Promise.all(all.map((task) => made.run('fineTuneAdapter', task)));
    expect(again.map(({ adapter }) => adapter)).toEqual([...results].reverse().map(({ adapter }) => adapter));
    expect(made.controls.fineTunes).toHaveLength(2);
  });

  test('gives the same bits one by one, on another worker, and when some members are computed again', async () => {
    const together = fixture();
    const expected = await Promise.all((await tasks(together)).map((task) => together.run('fineTuneAdapter', task)));
    const apart = fixture();
    const some = await tasks(apart);
    for (const [i, task] of some.entries()) {
      const { adapter } = await apart.run('fineTuneAdapter', task);
      expect(adapter).toBe(expected[i]?.adapter);
    }
    // A manifest that never made it to the store: the group is computed again, in the same batch.
    const { id } = (await apart.input('c')).trainContexts[0]!;
    await apart.store.remove(manifestKeys.adapter('c', 'epoch-1', id, 2, 1));
    const other = fixture(apart.store);
    expect((await other.run('fineTuneAdapter', some[1]!)).adapter).toBe(expected[1]?.adapter);
    expect((await other.run('fineTuneAdapter', some[0]!)).adapter).toBe(expected[0]?.adapter);
    expect(other.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([4]);
  });

  test('computed by two workers at once, the first to publish wins and the other adopts', async () => {
    const store = createMemoryStore();
    const [one, two] = [fixture(store), fixture(store)];
    const [task] = await tasks(one);
    const holds = [hold(one), hold(two)];
    const results = [one, two].map((made) => made.run('fineTuneAdapter', task!));
    await Promise.all(holds.map(({ begun }) => begun));
    holds.forEach(({ release }) => release());
    const [first, second] = await Promise.all(results);
    expect(first?.adapter).toBe(second?.adapter);
  });

  test('goes on when the member that began it is cancelled', async () => {
    const made = fixture();
    const [first, second] = await tasks(made);
    const { release, begun } = hold(made);
    const environment = activityEnvironment();
    const cancelled = made.run('fineTuneAdapter', first!, environment).catch((error: unknown) => error);
    await begun;
    const other = made.run('fineTuneAdapter', second!);
    await new Promise((resolve) => setTimeout(resolve, 30));
    environment.cancel();
    expect(await cancelled).toBeInstanceOf(CancelledFailure);
    release();
    expect((await other).adapter).toMatch(/^[0-9a-f]{64}$/);
    expect(made.controls).toMatchObject({ cancelled: 0, fineTunes: [expect.anything()] });
  });

  test('is stopped when all who waited are cancelled, and can be computed afresh', async () => {
    const made = fixture();
    const [first, second] = await tasks(made);
    const { begun } = hold(made);
    const environments = [activityEnvironment(), activityEnvironment()];
    const waiting = [first!, second!].map((task, i) => made.run('fineTuneAdapter', task, environments[i]).catch((error: unknown) => error));
    await begun;
    await new Promise((resolve) => setTimeout(resolve, 30));
    environments.forEach((environment) => environment.cancel());
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(CancelledFailure);
    expect(made.controls.cancelled).toBe(1);
    made.controls.onFineTune = () => Promise.resolve();
    expect((await made.run('fineTuneAdapter', first!)).adapter).not.toBeNull();
  });

  test('leaves out rejected members, and records why', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { proposals: { k: 2, source: 'recorded' }, limits: { maxRowTokens: 8 } });
    const scope = await made.proposed(campaign, 'recorded');
    const verdicts = await Promise.all([0, 1].map((position) => made.run('validateSelfEdit', { scope, position })));
    const reason = 'a training row of 13 tokens, where 8 are allowed';
    expect(verdicts).toEqual([{ accepted: true }, { accepted: false, reason }]);
    await made.run('fineTuneAdapter', { scope, group: GROUPS[0]!, position: 2, repeat: 1, repeats: 1 });
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([2]);
    const { id } = (await made.input('c')).trainContexts[0]!;
    expect((await made.store.readManifest(manifestKeys.candidate('c', 'epoch-1', id, 2))).summary).toEqual({ status: 'rejected', reason });
  });

  test('a diverged member fails for good, its group does not', async () => {
    const made = fixture();
    const all = await tasks(made);
    await Promise.all(all.slice(4).map((task) => made.run('fineTuneAdapter', task)));
    const { seed } = made.controls.fineTunes[0]!.jobs[0]!;
    const other = fixture();
    other.controls.diverging.add(seed);
    const [, , , , diverged, sound] = await tasks(other);
    const failing = { message: expect.stringContaining('loss of step 3 is NaN') as string, nonRetryable: true, type: 'NotFiniteError' };
    await expect(other.run('fineTuneAdapter', diverged!)).rejects.toMatchObject(failing);
    expect((await other.run('fineTuneAdapter', sound!)).adapter).not.toBeNull();
    expect((await other.run('evaluateAdapter', sound!)).reward).not.toBeNull();
    await expect(other.run('fineTuneAdapter', diverged!)).rejects.toMatchObject(failing);
    expect(other.controls.fineTunes).toHaveLength(1);
  });

  test('a compute process that dies fails every waiting member, to be retried', async () => {
    const made = fixture();
    const [first, second] = await tasks(made);
    made.controls.onFineTune = () => Promise.reject(new ComputeProcessDiedError('the compute process ended (SIGKILL)'));
    for (const task of [first!, second!]) {
      await expect(made.run('fineTuneAdapter', task)).rejects.toMatchObject({ type: 'ComputeProcessDiedError', nonRetryable: true });
    }
    made.controls.onFineTune = () => Promise.resolve();
    expect((await made.run('fineTuneAdapter', first!)).adapter).not.toBeNull();
  });
});

/** The passage-only baseline on both held-out contexts. */
async function heldOutPassages(made: ActivityFixture): Promise<{ campaign: PinnedCampaign; scope: AdaptationScope; score: MethodScore; ids: readonly string[] }> {
  const campaign = await made.pin('c');
  const scope = { campaign, scope: 'evaluation/passage-only', split: 'heldOut' as const, policyAdapters: [], rows: { kind: 'passage' as const }, perContext: 1 };
  const task = { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 };
  await made.run('fineTuneAdapter', task);
  await made.run('evaluateAdapter', task);
  const score = await made.run('summariseMethod', { campaign, method: 'passage-only', source: { kind: 'adapted', scope } });
  return { campaign, scope, score, ids: (await made.input('c')).heldOutContexts.map(({ id }) => id) };
}

describe('evaluation', () => {
  test('rewards every member from one request, and completes its record', async () => {
    const made = fixture();
    const all = await tasks(made);
    for (const task of all) await made.run('fineTuneAdapter', task);
    const asked = made.controls.generates.length;
    const results = await Promise.all(all.map((task) => made.run('evaluateAdapter', task)));
    expect(made.controls.generates).toHaveLength(asked + 2);
    for (const { reward } of results) expect([0, 0.25, 0.5, 0.75, 1]).toContain(reward);
    const { id } = (await made.input('c')).trainContexts[1]!;
    const record = await made.store.readManifest(manifestKeys.candidate('c', 'epoch-1', id, 1));
    expect(record.summary).toMatchObject({ status: 'scored', reward: results[2]?.reward, repeatRewards: [results[2]?.reward], notes: [] });
  });

  test('recomputes adapters that are missing before it evaluates', async () => {
    const made = fixture();
    const [task] = await tasks(made);
    const { reward } = await made.run('evaluateAdapter', task!);
    expect(reward).not.toBeNull();
    expect(made.controls.fineTunes).toHaveLength(1);
  });

  test('with the logprob grader rewards the gain over the unadapted policy', async () => {
    const made = fixture();
    const plain = await tasks(made, { reward: { grader: 'logprob' } });
    const { campaign, scope, split, policyAdapters } = plain[0]!.scope;
    const unadapted = await made.run('evaluateBase', { campaign, scope, split, policyAdapters, contextsPerChunk: 16, chunk: 1 });
    const task = { ...plain[0]!, scope: { ...plain[0]!.scope, gainOver: { contextsPerChunk: 16 } } };
    const { reward } = await made.run('evaluateAdapter', task);
    const { id } = (await made.input('c')).trainContexts[0]!;
    const { summary } = await made.store.readManifest(manifestKeys.evaluation('c', 'epoch-1', id, 1, 1));
    expect(reward).toBeCloseTo((summary?.['score'] as number) - unadapted.scores[0]!, 3);
    expect(made.controls.generates.filter(({ temperature }) => temperature === 0)).toHaveLength(0);
  });

  test('on held-out contexts lets the unadapted policy answer for a rejected self-edit', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { limits: { maxRowTokens: 8 } });
    const base = { campaign, scope: 'evaluation/self-edits', split: 'heldOut' as const, policyAdapters: [] };
    const task = { ...base, source: 'recorded' as const, perContext: 2, contextsPerChunk: 8 };
    await made.run('proposeSelfEdits', { ...task, chunk: 1 });
    const { proposals } = await made.run('collectProposals', task);
    const scope = { ...base, rows: { kind: 'proposals' as const, proposals }, perContext: 2 };
    await made.run('evaluateAdapter', { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 });
    const asked = made.controls.generates.map(({ groups }) => groups.map(({ adapterDirectory }) => adapterDirectory !== null));
    expect(asked).toEqual([
      [true, true],
      [false, false],
    ]);
    const score = await made.run('summariseMethod', { campaign, method: 'self-edits', source: { kind: 'adapted', scope } });
    expect(score).toMatchObject({ name: 'self-edits', n: 2, meanSteps: 2, meanTokens: 14, runs: 4, rejected: 2, diverged: 0 });
  });

  test('on held-out contexts lets the unadapted policy answer for an adapter that diverged: it does not vanish from the mean', async () => {
    const made = fixture();
    await heldOutPassages(made);
    const { seed } = made.controls.fineTunes[0]!.jobs[1]!;
    const other = fixture();
    other.controls.diverging.add(seed);
    const { campaign, scope, score, ids } = await heldOutPassages(other);
    expect(score).toMatchObject({ n: 2, runs: 2, rejected: 0, diverged: 1, meanSteps: 1, meanTokens: 7 });
    expect(other.controls.generates.map(({ groups }) => groups.map(({ adapterDirectory }) => adapterDirectory !== null))).toEqual([[true], [false]]);
    const evaluation = await other.store.readManifest(manifestKeys.evaluation('c', scope.scope, ids[1]!, 1, 1));
    expect(evaluation.summary).toMatchObject({ steps: 0, trainedTokens: 0, unadapted: 'diverged' });
    // What the policy answers without an adapter, it answers here.
    const { scores } = await other.run('evaluateBase', { campaign, scope: 'evaluation/base', split: 'heldOut', policyAdapters: [], contextsPerChunk: 16, chunk: 1 });
    expect(evaluation.summary?.['score']).toBe(scores[1]);
    expect((await other.run('evaluateAdapter', { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 })).spent.generatedTokens).toBe(0);
  });

  test('a held-out candidate that was never evaluated is no part of a mean in silence: the method has no score', async () => {
    const made = fixture();
    const { campaign, scope } = await heldOutPassages(made);
    const unevaluated = { kind: 'adapted' as const, scope: { ...scope, scope: 'evaluation/other' } };
    await expect(made.run('summariseMethod', { campaign, method: 'other', source: unevaluated })).rejects.toThrow(/evaluation\/other.*c1.*never evaluated/);
  });
});
