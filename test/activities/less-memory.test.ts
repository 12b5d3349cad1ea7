import type { MockActivityEnvironment } from '@temporalio/testing';
import { collectReport } from '../../activities';
import type { GroupTask } from '../../activities/activity-types';
import { trainingParts } from '../../activities/execution/less-memory';
import type { FineTuneJob } from '../../campaign/language-model';
import { manifestKeys } from '../../record/keys';
import { type ActivityFixture, activityEnvironment, removedFixtures } from './activity-fixture';
import { storedSelection } from './stored-selection';
import { DOMAINS } from '../../seal/domains/registry';

const fixture = removedFixtures();

function job(rows: number, batch: number, accumulation?: number): FineTuneJob {
  return {
    rows: Array.from({ length: rows }, (_, i) => ({ text: `row ${i}` })),
    optimiser: { trainEpochs: 1, learningRate: 1, batch, ...(accumulation !== undefined && { accumulation }), schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0 },
    seed: 1,
    outDirectory: 'out',
  };
}

describe('a training in parts', () => {
  const shape = (jobs: readonly FineTuneJob[], parts: number): unknown => {
    const { requests, gradientCheckpointing } = trainingParts(jobs, false, parts);
    return [requests.map((some) => some.map(({ optimiser }) => optimiser.accumulation ?? 1)), gradientCheckpointing];
  };

  test.each([
    // Rows first: 8 a step, then 4, 2, 1; then the stack; then layers computed twice.
    [1, [[1, 1, 1]], false],
    [2, [[2, 2, 2]], false],
    [8, [[8, 8, 8]], false],
    [16, [[8], [8], [8]], false],
    [32, [[8], [8], [8]], true],
  ])('%p of three jobs of eight rows', (parts, accumulation, checkpointing) => {
    const jobs = [job(20, 8), job(20, 8), job(20, 8)];
    expect(shape(jobs, parts)).toEqual(parts === 1 ? [[[1, 1, 1]], false] : [accumulation, checkpointing]);
  });

  test('counts the rows that a job has, and what it accumulates already', () => {
    expect(shape([job(3, 10)], 4)).toEqual([[[3]], true]);
    expect(shape([job(20, 8, 2)], 2)).toEqual([[[4]], false]);
    expect(shape([job(20, 1)], 2)).toEqual([[[1]], true]);
    expect(shape([job(20, 1), job(20, 1)], 2)).toEqual([[[1], [1]], false]);
  });

  test('leaves the batch, and with it the rows of every step, alone', () => {
    const jobs = [job(20, 8), job(5, 4)];
    const { requests } = trainingParts(jobs, false, 16);
    expect(requests.flat().map(({ rows, seed, optimiser: { batch } }) => ({ rows, seed, batch }))).toEqual(jobs.map(({ rows, seed, optimiser: { batch } }) => ({ rows, seed, batch })));
  });
});

const SPEC = { innerLoop: { repeats: 1, trainEpochs: 2, batch: 4 } };

async function task(made: ActivityFixture, memoryParts?: number): Promise<GroupTask> {
  const scope = await made.proposed(await made.pin('c', SPEC));
  return { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1, ...(memoryParts !== undefined && { memoryParts }) };
}

async function settingsOf(made: ActivityFixture, candidate: number, kind: 'adapter' | 'evaluation'): Promise<Record<string, unknown>> {
  const id = made.ids.train[0]!;
  return (await made.store.readManifest(manifestKeys[kind]('c', 'epoch-1', id, candidate, 1))).lineage.settings;
}

describe('a group whose memory was short', () => {
  test('is trained in the parts that its lineage names, with a warning', async () => {
    const made = fixture();
    const whole = await task(made, 2);
    const warnings: string[] = [];
    const environment = activityEnvironment();
    watchWarnings(environment, warnings);
    await made.run('fineTuneAdapters', whole, environment);
    // Two rows each: one at a time.
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.map(({ optimiser }) => [optimiser.batch, optimiser.accumulation]))).toEqual([Array.from({ length: 4 }, () => [4, 2])]);
    expect(await settingsOf(made, 1, 'adapter')).toMatchObject({ memoryParts: 2, requests: 1, gradientCheckpointing: false, optimiser: { batch: 4, accumulation: 2 } });
    expect(warnings).toEqual(['training with less memory at once']);
  });

  test('is cut into requests where rows are one at a time, and gives each job its own outcome', async () => {
    const made = fixture();
    const { members } = await made.run('fineTuneAdapters', await task(made, 4));
    expect(made.controls.fineTunes.map(({ jobs }) => jobs.length)).toEqual([2, 2]);
    expect(new Set(members.map((member) => 'adapter' in member && member.adapter)).size).toBe(4);
    const seeds = made.controls.fineTunes.flatMap(({ jobs }) => jobs.map(({ seed }) => seed));
    const settings = await Promise.all([1, 2].map((candidate) => settingsOf(made, candidate, 'adapter')));
    expect(settings).toEqual([expect.objectContaining({ memoryParts: 4, requests: 2 }), expect.objectContaining({ memoryParts: 4, requests: 2 })]);
    expect(new Set(seeds).size).toBe(4);
    // One computation, in the record of who did what.
    const { report } = await collectReport(made.store, 'c', 'running', 0, DOMAINS);
    expect(report.timeline.scopes.find(({ scope }) => scope === 'epoch-1')?.computations).toBe(3);
  });

  test('says nothing of parts where all was computed at once', async () => {
    const made = fixture();
    const whole = await task(made);
    await made.run('fineTuneAdapters', whole);
    await made.run('evaluateAdapters', whole);
    expect(JSON.stringify([await settingsOf(made, 1, 'adapter'), await settingsOf(made, 1, 'evaluation')])).not.toContain('memoryParts');
    expect((await collectReport(made.store, 'c', 'running', 0, DOMAINS)).report.lessMemory).toEqual([]);
  });

  test('is answered for in parts too, and named in the report', async () => {
    const made = fixture();
    const whole = await task(made);
    await made.run('fineTuneAdapters', whole);
    await made.run('evaluateAdapters', { ...whole, memoryParts: 8 });
    expect(made.controls.generates.at(-1)).toMatchObject({ memoryParts: 8 });
    expect(await settingsOf(made, 1, 'evaluation')).toMatchObject({ memoryParts: 8 });
    expect(await settingsOf(made, 1, 'adapter')).not.toHaveProperty('memoryParts');
    const { report, candidates } = await collectReport(made.store, 'c', 'running', 0, DOMAINS);
    expect(report.lessMemory).toHaveLength(4);
    expect(report.lessMemory[0]).toEqual({ id: candidates[0]?.id, memoryParts: 8 });
  });
});

test('an M-step, self-edits and unadapted answers are computed in parts, and say so', async () => {
  const made = fixture();
  const campaign = await made.pin('c', { mStep: { batch: 2 } });
  const base = { campaign, split: 'train' as const, policy: null, contextsPerChunk: 2, memoryParts: 2 };
  for (const chunk of [1, 2]) await made.run('proposeSelfEdits', { ...base, scope: 'epoch-1', source: 'policy', perContext: 2, chunk });
  const { proposals } = await made.run('collectProposals', { ...base, scope: 'epoch-1', source: 'policy', perContext: 2 });
  await made.run('evaluateBase', { ...base, scope: 'epoch-1', chunk: 1 });
  await made.run('trainPolicy', { ...(await storedSelection(made.store, { campaign, epoch: 1, proposals, kept: [0, 2] })), memoryParts: 2 });
  expect(made.controls.generates.map(({ memoryParts }) => memoryParts)).toEqual([2, 2, 2]);
  expect(made.controls.fineTunes.map(({ jobs }) => jobs[0]?.optimiser.accumulation)).toEqual([2]);
  const settings = await Promise.all(
    [manifestKeys.proposalsChunk('c', 'epoch-1', 1), manifestKeys.unadapted('c', 'epoch-1', 1), manifestKeys.policy('c', 1)].map(async (key) => (await made.store.readManifest(key)).lineage.settings),
  );
  for (const one of settings) expect(one).toMatchObject({ memoryParts: 2 });
  expect(settings[2]).toMatchObject({ optimiser: { batch: 2, accumulation: 2 } });
});

function watchWarnings(environment: MockActivityEnvironment, warnings: string[]): void {
  environment.context.log.warn = (message) => void warnings.push(message);
}
