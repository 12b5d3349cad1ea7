import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainingParts } from '../../../activities/execution/less-memory';
import type { FineTuneJob, FineTuneOutcome, FineTuneRequest } from '../../../campaign/language-model';
import { planBlocks } from '../../../engine/model/batches';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('tied-fp32');

let directory: string;
let compute: ComputeProcess;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-parts-'));
  compute = startComputeProcess({ threads: 1 });
});
afterAll(async () => {
  await compute.close();
  rmSync(directory, { recursive: true });
});

const TEXTS = ['a b c d e', 'a', 'c d c d c d c d', 'b b', 'e a e', 'd', 'a a a a a a', 'c b a'];

function jobs(name: string): FineTuneJob[] {
  return [1, 2, 3].map((seed) => ({
    rows: TEXTS.slice(0, 5 + seed).map((text) => ({ text })),
    optimiser: { trainEpochs: 4, learningRate: 5e-3, batch: 4, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0 },
    seed,
    outDirectory: join(directory, `${name}-${seed}`),
  }));
}

async function losses(name: string, memoryParts: number): Promise<number[][]> {
  const base: Omit<FineTuneRequest, 'jobs'> = { modelDirectory, lora: { rank: 4, alpha: 8, targets: 'all-linear' } };
  const { requests, gradientCheckpointing } = trainingParts(jobs(name), false, memoryParts);
  const outcomes: FineTuneOutcome[] = [];
  for (const some of requests) outcomes.push(...(await compute.fineTune({ ...base, gradientCheckpointing, jobs: some })).outcomes);
  return outcomes.map((outcome) => (outcome.status === 'done' ? outcome.log.map(({ loss }) => loss) : []));
}

test('a training in 2 to 16 parts has the losses of the whole, up to rounding: its steps have the same rows', async () => {
  const whole = await losses('whole', 1);
  expect(whole.map((of) => of.length)).toEqual([8, 8, 8]);
  // Training did something: equal losses are not equal for want of it.
  for (const of of whole) expect(of.at(-1)).toBeLessThan(of[0]! - 0.1);
  for (const memoryParts of [2, 4, 8, 16]) {
    const inParts = await losses(`parts-${memoryParts}`, memoryParts);
    inParts.forEach((of, j) => of.forEach((loss, step) => expect(Math.abs(loss - whole[j]![step]!)).toBeLessThan(2e-4)));
  }
});

test('answers in parts are those of the whole', async () => {
  const groups = [{ adapterDirectory: null, rows: TEXTS.map((prompt) => ({ prompt })) }];
  const request = { modelDirectory, groups, maxNewTokens: 8, temperature: 0, topP: 1 };
  const whole = await compute.generate(request);
  expect((await compute.generate({ ...request, memoryParts: 4 })).groups).toEqual(whole.groups);
  const scored = { modelDirectory, groups: [{ adapterDirectory: null, rows: TEXTS.map((text) => ({ text: `a ${text}` })) }] };
  const scores = await compute.score(scored);
  const inParts = await compute.score({ ...scored, memoryParts: 8 });
  inParts.groups[0]!.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(scores.groups[0]![i]!.logprob, 4));
});

test('no block has more than its part of the rows, over adapters too', () => {
  const sizes = (groups: Parameters<typeof planBlocks>[0], parts: number): number[] =>
    planBlocks(groups, Infinity, parts).map(({ rows }) => rows.reduce((sum, ofAdapter) => sum + ofAdapter.length, 0));
  const onBase = [{ adapterDirectory: null, rows: Array.from({ length: 100 }, (_, i) => i) }];
  expect(sizes(onBase, 1)).toEqual([64, 36]);
  expect(sizes(onBase, 4)).toEqual([16, 16, 16, 16, 16, 16, 4]);
  const adapted = ['a', 'b', 'c', 'd'].map((adapterDirectory) => ({ adapterDirectory, rows: [1, 2, 3, 4] }));
  expect(sizes(adapted, 1)).toEqual([16]);
  expect(sizes(adapted, 2)).toEqual([8, 8]);
  expect(sizes(adapted, 8)).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
  expect(sizes(adapted, 64)).toEqual(Array.from({ length: 16 }, () => 1));
});
