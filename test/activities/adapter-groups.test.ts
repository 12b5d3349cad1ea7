import { CancelledFailure } from '@temporalio/common';
import type { AdaptationScope, GroupTask, PinnedCampaign } from '../../activities/activity-types';
import { type MethodScore } from '../../campaign/campaign';
import { ComputeProcessDiedError } from '../../campaign/errors';
import { manifestKeys } from '../../record/keys';
import { createMemoryStore } from '../../storage/memory-store';
import { activityEnvironment, type ActivityFixture, removedFixtures } from './activity-fixture';
import { unadaptedScores } from './unadapted-scores';

const fixture = removedFixtures();

const GROUPS = [
  { from: 0, to: 4 },
  { from: 4, to: 6 },
];

async function tasks(made: ActivityFixture, spec: Record<string, unknown> = {}): Promise<[GroupTask, GroupTask]> {
  const scope = await made.proposed(await made.pin('c', spec));
  const [first, second] = GROUPS.map((group) => ({ scope, group, repeat: 1, repeats: 1 }));
  return [first!, second!];
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

describe('a group of candidates', () => {
  test('is fine-tuned in one request, and found by the attempt after it', async () => {
    const made = fixture();
    const all = await tasks(made);
    const results = [await made.run('fineTuneAdapters', all[0]), await made.run('fineTuneAdapters', all[1])];
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([4, 2]);
    const members = results.flatMap((result) => result.members);
    expect(members.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(new Set(members.map((member) => 'adapter' in member && member.adapter)).size).toBe(6);
    expect(await made.run('fineTuneAdapters', all[0])).toEqual(results[0]);
    expect(made.controls.fineTunes).toHaveLength(2);
  });

  test('gives the same bits on another worker, also where only some manifests made it to the store', async () => {
    const made = fixture();
    const [task] = await tasks(made);
    const expected = await made.run('fineTuneAdapters', task);
    // The group is computed again, in the same batch.
    const id = made.ids.train[0]!;
    await made.store.remove(manifestKeys.adapter('c', 'epoch-1', id, 2, 1));
    const other = fixture(made.store);
    expect(await other.run('fineTuneAdapters', task)).toEqual(expected);
    expect(other.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([4]);
  });

  test('computed by two workers at once, since one was taken for lost, is adopted from the first to publish', async () => {
    const store = createMemoryStore();
    const [one, two] = [fixture(store), fixture(store)];
    const [task] = await tasks(one);
    const holds = [hold(one), hold(two)];
    const results = [one, two].map((made) => made.run('fineTuneAdapters', task));
    await Promise.all(holds.map(({ begun }) => begun));
    holds.forEach(({ release }) => release());
    const [first, second] = await Promise.all(results);
    expect(first).toEqual(second);
  });

  test('is stopped when its activity is cancelled, and can be computed afresh', async () => {
    const made = fixture();
    const [task] = await tasks(made);
    const { begun } = hold(made);
    const environment = activityEnvironment();
    const waiting = made.run('fineTuneAdapters', task, environment).catch((error: unknown) => error);
    await begun;
    environment.cancel();
    expect(await waiting).toBeInstanceOf(CancelledFailure);
    expect(made.controls.cancelled).toBe(1);
    made.controls.onFineTune = () => Promise.resolve();
    expect((await made.run('fineTuneAdapters', task)).members).toHaveLength(4);
  });

  test('leaves out rejected members, and records why', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { proposals: { k: 2, source: 'recorded' }, limits: { maxRowTokens: 8 } });
    const scope = await made.proposed(campaign, 'recorded');
    const verdicts = await Promise.all([0, 1].map((position) => made.run('validateSelfEdit', { scope, position })));
    const reason = 'a training row of 13 tokens, where 8 are allowed';
    expect(verdicts).toEqual([{ accepted: true }, { accepted: false, reason }]);
    const { members } = await made.run('fineTuneAdapters', { scope, group: GROUPS[0]!, repeat: 1, repeats: 1 });
    expect(members.map(({ position }) => position)).toEqual([0, 2]);
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([2]);
    const id = made.ids.train[0]!;
    expect((await made.store.readManifest(manifestKeys.candidate('c', 'epoch-1', id, 2))).summary).toEqual({ status: 'rejected', reason });
  });

  test('has a diverged member that fails alone: the others are rewarded, and it has no record', async () => {
    const made = fixture();
    const [, task] = await tasks(made);
    await made.run('fineTuneAdapters', task);
    const { seed } = made.controls.fineTunes[0]!.jobs[0]!;
    const other = fixture();
    other.controls.diverging.add(seed);
    const [, diverging] = await tasks(other);
    const expected = [{ position: 4, diverged: expect.stringContaining('loss of step 3 is NaN') as string }, { position: 5, adapter: expect.stringMatching(/^[0-9a-f]{64}$/) as string }];
    expect((await other.run('fineTuneAdapters', diverging)).members).toEqual(expected);
    expect((await other.run('evaluateAdapters', diverging)).members.map(({ position, reward }) => [position, reward !== null])).toEqual([[5, true]]);
    expect((await other.run('fineTuneAdapters', diverging)).members).toEqual(expected);
    expect(other.controls.fineTunes).toHaveLength(1);
    const id = other.ids.train[2]!;
    const records = [1, 2].map((candidate) => other.store.findManifest(manifestKeys.candidate('c', 'epoch-1', id, candidate)));
    expect((await Promise.all(records)).map((record) => record?.summary?.['status'])).toEqual([undefined, 'scored']);
  });

  test('fails as a whole when the compute process dies, to be retried', async () => {
    const made = fixture();
    const [task] = await tasks(made);
    made.controls.onFineTune = () => Promise.reject(new ComputeProcessDiedError('the compute process ended (SIGKILL)'));
    await expect(made.run('fineTuneAdapters', task)).rejects.toMatchObject({ type: 'ComputeProcessDiedError', nonRetryable: true });
    made.controls.onFineTune = () => Promise.resolve();
    expect((await made.run('fineTuneAdapters', task)).members).toHaveLength(4);
  });
});

/** The passage-only baseline on both held-out contexts. */
async function heldOutPassages(made: ActivityFixture): Promise<{ campaign: PinnedCampaign; scope: AdaptationScope; score: MethodScore; ids: readonly string[] }> {
  const campaign = await made.pin('c');
  const scope = { campaign, scope: 'evaluation/passage-only', split: 'heldOut' as const, policy: null, rows: { kind: 'baseline' as const, name: 'passage-only' }, perContext: 1 };
  const task = { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 };
  await made.run('fineTuneAdapters', task);
  await made.run('evaluateAdapters', task);
  const score = await made.run('summariseMethod', { campaign, method: 'passage-only', source: { kind: 'adapted', scope } });
  return { campaign, scope, score, ids: made.ids.heldOut };
}

describe('evaluation', () => {
  test('rewards every member from one request, and completes its record', async () => {
    const made = fixture();
    const all = await tasks(made);
    for (const task of all) await made.run('fineTuneAdapters', task);
    const asked = made.controls.generates.length;
    const results = [await made.run('evaluateAdapters', all[0]), await made.run('evaluateAdapters', all[1])].flatMap(({ members }) => members);
    expect(made.controls.generates).toHaveLength(asked + 2);
    for (const { reward } of results) expect([0, 0.25, 0.5, 0.75, 1]).toContain(reward);
    const id = made.ids.train[1]!;
    const record = await made.store.readManifest(manifestKeys.candidate('c', 'epoch-1', id, 1));
    expect(record.summary).toMatchObject({ status: 'scored', reward: results[2]?.reward, repeatRewards: [results[2]?.reward], notes: [] });
  });

  test('asks nothing of what was never fine-tuned', async () => {
    const made = fixture();
    const [task] = await tasks(made);
    await expect(made.run('evaluateAdapters', task)).rejects.toMatchObject({ type: 'ArtifactMissingError' });
  });

  test('with the logprob grader rewards the gain over the unadapted policy', async () => {
    const made = fixture();
    const plain = await tasks(made, { reward: { grader: 'logprob' } });
    const { campaign, scope, split, policy } = plain[0].scope;
    const base = { campaign, scope, split, policy, contextsPerChunk: 16, chunk: 1 };
    await made.run('evaluateBase', base);
    const unadapted = await unadaptedScores(made.store, base);
    const task = { ...plain[0], scope: { ...plain[0].scope, gainOver: { contextsPerChunk: 16 } } };
    await made.run('fineTuneAdapters', task);
    const { reward } = (await made.run('evaluateAdapters', task)).members[0]!;
    const id = made.ids.train[0]!;
    const { summary } = await made.store.readManifest(manifestKeys.evaluation('c', 'epoch-1', id, 1, 1));
    expect(reward).toBeCloseTo((summary?.['score'] as number) - unadapted[0]!, 3);
    expect(made.controls.generates.filter(({ temperature }) => temperature === 0)).toHaveLength(0);
  });

  test('on held-out contexts lets the unadapted policy answer for a rejected self-edit', async () => {
    const made = fixture();
    const campaign = await made.pin('c', { limits: { maxRowTokens: 8 } });
    const base = { campaign, scope: 'evaluation/self-edits', split: 'heldOut' as const, policy: null };
    const task = { ...base, source: 'recorded' as const, perContext: 2, contextsPerChunk: 8 };
    await made.run('proposeSelfEdits', { ...task, chunk: 1 });
    const { proposals } = await made.run('collectProposals', task);
    const scope = { ...base, rows: { kind: 'proposals' as const, proposals }, perContext: 2 };
    const held = { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 };
    await made.run('fineTuneAdapters', held);
    await made.run('evaluateAdapters', held);
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
    const base = { campaign, scope: 'evaluation/base', split: 'heldOut' as const, policy: null, contextsPerChunk: 16, chunk: 1 };
    await other.run('evaluateBase', base);
    expect(evaluation.summary?.['score']).toBe((await unadaptedScores(other.store, base))[1]);
    const asked = other.controls.generates.length;
    await other.run('evaluateAdapters', { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 });
    expect(other.controls.generates).toHaveLength(asked);
  });

  test('a held-out candidate that was never evaluated is no part of a mean in silence: the method has no score', async () => {
    const made = fixture();
    const { campaign, scope } = await heldOutPassages(made);
    const unevaluated = { kind: 'adapted' as const, scope: { ...scope, scope: 'evaluation/other' } };
    await expect(made.run('summariseMethod', { campaign, method: 'other', source: unevaluated })).rejects.toThrow(/evaluation\/other.*c1.*never evaluated/);
  });
});
