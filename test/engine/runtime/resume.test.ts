import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComputeProgress, FineTuneJob, FineTuneRequest, FineTuneResult, TrainingRow } from '../../../campaign/language-model';
import { startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(180_000);

const directory = mkdtempSync(join(tmpdir(), 'seal-resume-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Stacked jobs of unlike rows, rates, parts of a step and ends: 3, 8 and 18 steps. */
function jobs(run: string): FineTuneJob[] {
  return [1, 2, 3].map((n) => ({
    rows: Array.from({ length: n === 1 ? 6 : n + 1 }, (_, i): TrainingRow => ({ text: 'a b c '.repeat((i + n) % 5 + 1) })),
    optimiser: {
      trainEpochs: n === 3 ? 9 : n === 2 ? 4 : 1,
      learningRate: n * 1e-3,
      batch: 2,
      accumulation: n === 2 ? 2 : 1,
      schedule: 'cosine',
      warmupSteps: 2,
      shuffle: true,
      clipNorm: 1,
      weightDecay: 0.01,
    },
    seed: n,
    outDirectory: join(directory, run, `job-${n}`),
  }));
}

const STEPS = 3 + 8 + 18;
const checkpointsOf = (run: string): string => join(directory, `${run}-checkpoints`);

function request(run: string, overrides: Partial<FineTuneRequest> = {}): FineTuneRequest {
  return {
    modelDirectory: goldenModel('gqa-bf16'),
    lora: { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'], dropout: 0.2 },
    jobs: jobs(run),
    ...overrides,
  };
}

/** A checkpoint after every step, so that a kill falls between two whatever its moment. */
const withCheckpoints = (run: string): FineTuneRequest =>
  request(run, { checkpoints: { directory: checkpointsOf(run), seconds: 0, fingerprint: 'this training' } });

async function trained(asked: FineTuneRequest, onProgress: (progress: ComputeProgress) => void = () => undefined): Promise<FineTuneResult> {
  const compute = startComputeProcess({ threads: 1 });
  try {
    return await compute.fineTune(asked, { onProgress });
  } finally {
    await compute.close();
  }
}

/** Trains until a checkpoint of at least so many steps is reported, then the kernel kills the process. */
async function killedAfter(steps: number, asked: FineTuneRequest): Promise<void> {
  const compute = startComputeProcess({ threads: 1 });
  const onProgress = ({ checkpoint }: ComputeProgress): void => {
    if (checkpoint !== undefined && checkpoint.steps >= steps && compute.pid !== undefined) process.kill(compute.pid, 'SIGKILL');
  };
  await expect(compute.fineTune(asked, { onProgress })).rejects.toThrow('SIGKILL');
  await compute.close();
}

const adapters = (run: string, first = 0): string[] =>
  jobs(run).slice(first).map(({ outDirectory }) => createHash('sha256').update(readFileSync(join(outDirectory, 'adapter_model.safetensors'))).digest('hex'));

const files = (run: string): string[] => readdirSync(checkpointsOf(run)).sort();

let undisturbed: FineTuneResult;
beforeAll(async () => {
  undisturbed = await trained(request('undisturbed'));
  expect(undisturbed.outcomes).toMatchObject([{ steps: 3 }, { steps: 8 }, { steps: 18 }]);
});

test('killed three times, stacked jobs of unlike length go on from their checkpoints to the same bits and the same losses', async () => {
  for (const steps of [2, 12, 20]) await killedAfter(steps, withCheckpoints('killed'));
  expect(files('killed').length).toBeGreaterThanOrEqual(1);
  const resumed = await trained(withCheckpoints('killed'));
  expect(resumed.resumedSteps).toBeGreaterThanOrEqual(20);
  expect(resumed.outcomes).toEqual(undisturbed.outcomes);
  expect(adapters('killed')).toEqual(adapters('undisturbed'));
  // Once the adapters are written, nothing is left to go on from.
  expect(readdirSync(directory)).not.toContain('killed-checkpoints');
});

test('whether and when checkpoints are taken changes no bit, and only the two newest are kept', async () => {
  const seen: number[] = [];
  let most = 0;
  const result = await trained(withCheckpoints('often'), ({ checkpoint }) => {
    if (checkpoint === undefined) return;
    seen.push(checkpoint.steps);
    most = Math.max(most, readdirSync(directory).includes('often-checkpoints') ? files('often').filter((name) => name.startsWith('checkpoint')).length : 0);
  });
  expect(seen.length).toBeGreaterThan(10);
  expect(Math.max(...seen)).toBeLessThan(STEPS);
  expect(most).toBeLessThanOrEqual(3);
  expect(result.outcomes).toEqual(undisturbed.outcomes);
  expect(adapters('often')).toEqual(adapters('undisturbed'));
});

test('a damaged checkpoint, half of one and one that was not finished are passed over for the one before', async () => {
  await killedAfter(10, withCheckpoints('damaged'));
  const [older, newest] = files('damaged').filter((name) => name.startsWith('checkpoint')).slice(-2) as [string, string];
  const path = (name: string): string => join(checkpointsOf('damaged'), name);
  truncateSync(path(newest), 1000);
  writeFileSync(path('unnamed.safetensors.1-1.tmp'), readFileSync(path(older)).subarray(0, 500));
  writeFileSync(path(`checkpoint-000000999-${'0'.repeat(64)}.safetensors`), readFileSync(path(older)));
  const steps = Number(/\d{9}/.exec(older)?.[0]);
  const resumed = await trained(withCheckpoints('damaged'));
  expect(resumed.resumedSteps).toBe(steps);
  expect(adapters('damaged')).toEqual(adapters('undisturbed'));
});

test('with nothing but damaged checkpoints it starts over', async () => {
  await killedAfter(4, withCheckpoints('lost'));
  for (const name of files('lost')) appendFileSync(join(checkpointsOf('lost'), name), 'x');
  const resumed = await trained(withCheckpoints('lost'));
  expect(resumed.resumedSteps).toBe(0);
  expect(adapters('lost')).toEqual(adapters('undisturbed'));
});

test('a checkpoint of another training is refused', async () => {
  await killedAfter(4, withCheckpoints('other'));
  const { checkpoints, ...rest } = withCheckpoints('other');
  const asked = { ...rest, checkpoints: { ...checkpoints!, fingerprint: 'another training' } };
  await expect(trained(asked)).rejects.toThrow(/expected a checkpoint of this very training.*got one of another/);
});

test('a job whose loss was not finite stays failed, and the others end as ever', async () => {
  const wild = (run: string): FineTuneRequest => {
    const asked = withCheckpoints(run);
    const [first, ...others] = asked.jobs as [FineTuneJob, ...FineTuneJob[]];
    return { ...asked, jobs: [{ ...first, optimiser: { ...first.optimiser, learningRate: 1e38, warmupSteps: 0 } }, ...others] };
  };
  const expected = await trained(wild('wild'));
  expect(expected.outcomes[0]).toMatchObject({ status: 'failed' });
  await killedAfter(12, wild('wild-killed'));
  const resumed = await trained(wild('wild-killed'));
  expect(resumed.resumedSteps).toBeGreaterThan(0);
  expect(resumed.outcomes).toEqual(expected.outcomes);
  expect(adapters('wild-killed', 1)).toEqual(adapters('wild', 1));
});
