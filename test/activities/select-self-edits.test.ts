import type { SelectTask } from '../../activities/activity-types';
import { epochInVersion } from '../../campaign/campaign';
import { selectionDocument, selectionFile } from '../../record/documents/epochs';
import { manifestKeys } from '../../record/keys';
import { type ActivityFixture, removedFixtures } from './activity-fixture';
import { type End, storedEnds } from './stored-selection';
import { unadaptedScores } from './unadapted-scores';

const fixture = removedFixtures();

const scored = (rewards: readonly number[]): End[] => rewards.map((reward, position) => ({ position, status: 'scored', reward }));

async function task(made: ActivityFixture, outcomes: readonly End[], spec: Record<string, unknown> = {}): Promise<SelectTask> {
  const campaign = await made.pin('c', spec);
  const scope = await made.proposed(campaign);
  if (scope.rows.kind !== 'proposals') throw new Error('expected proposals');
  await storedEnds(made.store, campaign, outcomes);
  return { campaign, versions: epochInVersion(1), proposals: scope.rows.proposals, perContext: 2 };
}

async function kept(made: ActivityFixture, selectTask: SelectTask): Promise<string[]> {
  const { selection } = await made.run('selectSelfEdits', selectTask);
  return (await selectionFile.get(made.store, selection)).kept.map(({ contextId, candidate }) => `${made.ids.train.indexOf(contextId)}/${candidate}`);
}

test('the best candidate of each context is kept, and every outcome is recorded', async () => {
  const made = fixture();
  const outcomes = [...scored([0.1, 0.4, 0.3, 0.3]), { position: 4, status: 'failed', reason: 'it broke', failure: 'process-died' }, { position: 5, status: 'failed', reason: 'NaN', failure: 'not-finite' }] as const;
  const selectTask = await task(made, outcomes);
  expect(await kept(made, selectTask)).toEqual(['0/2', '1/1']);
  const { summary, retryable, isAsBefore } = await made.run('selectSelfEdits', selectTask);
  expect(summary).toMatchObject({ epoch: 1, proposed: 6, failed: 2, kept: 2, bestReward: 0.4 });
  expect({ retryable, isAsBefore }).toEqual({ retryable: 1, isAsBefore: false });
});

test('with rule improves only what is better than the unadapted policy is kept', async () => {
  const made = fixture();
  const spec = { selection: { rule: 'improves' } };
  const selectTask = { ...(await task(made, [], spec)), unadaptedContextsPerChunk: 16 };
  const base = { campaign: selectTask.campaign, scope: 'epoch-1', split: 'train' as const, policy: null, contextsPerChunk: 16, chunk: 1 };
  await made.run('evaluateBase', base);
  const means = await unadaptedScores(made.store, base);
  const outcomes = scored(means.flatMap((mean, place) => [mean, place === 1 ? mean + 0.05 : mean]));
  await storedEnds(made.store, selectTask.campaign, outcomes);
  expect(await kept(made, selectTask)).toEqual(['1/2']);
});

test('what was published first is what counts: a second attempt that finds other outcomes adopts it', async () => {
  const made = fixture();
  const first = await task(made, [...scored([0.9, 0.1, 0.1, 0.9, 0.1]), { position: 5, status: 'failed', reason: 'it broke', failure: 'process-died' }]);
  const published = await made.run('selectSelfEdits', first);
  // Tried again meanwhile, and better than its neighbour.
  await storedEnds(made.store, first.campaign, [{ position: 5, status: 'scored', reward: 0.8 }]);
  const second = await made.run('selectSelfEdits', first);
  expect(second).toEqual(published);
  // The M-step trains on it, and on nothing else.
  const { campaign, versions, proposals } = first;
  await made.run('trainPolicy', { campaign, versions, proposals, policy: null, selection: second.selection });
  const key = manifestKeys.policy('c', 1);
  const { lineage } = await made.store.readManifest(key);
  expect(lineage.inputs['selection']).toBe(published.selection.sha256);
  const recorded = await selectionFile.read(made.store, await selectionDocument.read(made.store, manifestKeys.selection('c', 1)));
  expect(made.controls.fineTunes.at(-1)?.jobs[0]?.rows).toHaveLength(recorded.kept.length);
});

test('a selection made again says whether it keeps what was kept', async () => {
  const made = fixture();
  const failed = (position: number): End => ({ position, status: 'failed', reason: 'it broke', failure: 'process-died' });
  const first = await task(made, [...scored([0.9]), failed(1), ...scored([0, 0, 0.1, 0.9, 0.1, 0.2]).slice(2, 5), failed(5)]);
  await made.run('selectSelfEdits', first);
  const again = (version: number) => made.run('selectSelfEdits', { ...first, versions: { ...first.versions, selection: version }, before: first.versions });
  await storedEnds(made.store, first.campaign, [{ position: 1, status: 'scored', reward: 0.2 }]);
  expect(await again(2)).toMatchObject({ isAsBefore: true, retryable: 1 });
  await storedEnds(made.store, first.campaign, [{ position: 5, status: 'scored', reward: 0.8 }]);
  expect(await again(3)).toMatchObject({ isAsBefore: false, retryable: 0 });
});

test('of failures the last pass counts, and none once a candidate was scored', async () => {
  const made = fixture();
  const failed = (position: number, reason: string): End => ({ position, status: 'failed', reason, failure: 'process-died' });
  const selectTask = await task(made, [...scored([0.5, 0.5, 0.5, 0.5]), failed(4, 'first'), failed(5, 'first')]);
  await storedEnds(made.store, selectTask.campaign, [failed(4, 'second')], 1001);
  await storedEnds(made.store, selectTask.campaign, [{ position: 5, status: 'scored', reward: 0.1 }]);
  const { selection } = await made.run('selectSelfEdits', selectTask);
  const { outcomes } = await selectionFile.get(made.store, selection);
  expect(outcomes.slice(4)).toEqual([expect.objectContaining({ status: 'failed', reason: 'second' }), expect.objectContaining({ status: 'scored', reward: 0.1 })]);
});

test('failed candidates are listed a page at a time, without those that another attempt cannot help', async () => {
  const made = fixture();
  const { campaign } = await task(made, [
    ...scored([0.5]),
    { position: 1, status: 'failed', reason: 'NaN', failure: 'not-finite' },
    { position: 2, status: 'failed', reason: 'it broke', failure: 'process-died' },
    { position: 3, status: 'rejected', reason: 'empty' },
    { position: 4, status: 'failed', reason: 'it broke', failure: 'bug' },
    { position: 5, status: 'scored', reward: 1 },
  ]);
  const list = (from: number) => made.run('listFailed', { campaign, scope: 'epoch-1', perContext: 2, from });
  expect(await list(0)).toEqual({ positions: [2, 4], next: null });
  expect(await list(3)).toEqual({ positions: [4], next: null });
});

test('a candidate of which nothing says how it ended is no part of a selection in silence', async () => {
  const made = fixture();
  await expect(made.run('selectSelfEdits', await task(made, scored([0.5, 0.5, 0.5, 0.5, 0.5])))).rejects.toThrow(/nothing says how candidate [0-9a-f]{8}\/c2 ended/);
});

test('a worker that is killed between the publications of an M-step leaves it undone, and the next attempt leaves it whole', async () => {
  const made = fixture();
  const { campaign, versions, proposals, ...rest } = await task(made, scored([0.9, 0.1, 0.1, 0.9, 0.1, 0.2]));
  const { selection } = await made.run('selectSelfEdits', { campaign, versions, proposals, ...rest });
  const policyTask = { campaign, versions, proposals, policy: null, selection };
  const publish = made.store.publish.bind(made.store);
  const published: string[] = [];
  made.store.publish = (key, manifest) => {
    if (manifest.kind === 'policy' && published.length > 0) return Promise.reject(new Error('killed'));
    published.push(manifest.kind);
    return publish(key, manifest);
  };
  await expect(made.run('trainPolicy', policyTask)).rejects.toThrow('killed');
  expect(published).toContain('policy-training');
  expect(await made.store.findManifest(manifestKeys.policy('c', 1))).toBeNull();
  made.store.publish = publish;
  await made.run('trainPolicy', policyTask);
  expect(await made.store.findManifest(manifestKeys.policy('c', 1))).not.toBeNull();
});
