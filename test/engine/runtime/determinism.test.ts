import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FineTuneJob, TrainingRow } from '../../../campaign/language-model';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('gqa-bf16');
const directory = mkdtempSync(join(tmpdir(), 'seal-determinism-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Jobs of unlike rows, rates and ends. */
const jobs = (run: string): FineTuneJob[] =>
  [1, 2, 3].map((n) => ({
    rows: Array.from({ length: n + 1 }, (_, i): TrainingRow => ({ text: 'a b c '.repeat(i + n) })),
    optimiser: { trainEpochs: n, learningRate: n * 1e-3, batch: 2, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0 },
    seed: n,
    outDirectory: join(directory, run, `job-${n}`),
  }));

const hashes = (run: string): string[] =>
  jobs(run).map(({ outDirectory }) => createHash('sha256').update(readFileSync(join(outDirectory, 'adapter_model.safetensors'))).digest('hex'));

async function withCompute<T>(threads: number, use: (compute: ComputeProcess) => Promise<T>): Promise<T> {
  const compute = startComputeProcess({ threads });
  try {
    return await use(compute);
  } finally {
    await compute.close();
  }
}

const lora = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj', 'down_proj'] } as const;

describe('fineTune', () => {
  test('the same jobs give the same adapters to the bit, in any process and with one thread or two', async () => {
    const runs = { first: 1, again: 1, threads: 2 };
    for (const [run, threads] of Object.entries(runs)) {
      await withCompute(threads, (compute) => compute.fineTune({ modelDirectory, lora, jobs: jobs(run) }));
    }
    expect(new Set(hashes('first')).size).toBe(3);
    expect(hashes('again')).toEqual(hashes('first'));
    expect(hashes('threads')).toEqual(hashes('first'));
  });

  test('a job trained stacked follows the losses it has alone', async () => {
    await withCompute(1, async (compute) => {
      const stacked = await compute.fineTune({ modelDirectory, lora, jobs: jobs('stacked') });
      for (const [i, job] of jobs('alone').entries()) {
        const { outcomes } = await compute.fineTune({ modelDirectory, lora, jobs: [job] });
        const [together, alone] = [stacked.outcomes[i], outcomes[0]];
        if (together?.status !== 'done' || alone?.status !== 'done') throw new Error('expected both to be done');
        expect(together.steps).toBe(alone.steps);
        together.log.forEach(({ loss, learningRate, lossTokens }, step) => {
          expect(loss).toBeCloseTo(alone.log[step]?.loss as number, 4);
          expect({ learningRate, lossTokens }).toEqual({ learningRate: alone.log[step]?.learningRate, lossTokens: alone.log[step]?.lossTokens });
        });
      }
    });
  });

  test('a loss that is not finite ends that job alone and names its step', async () => {
    const [first, second] = jobs('not-finite') as [FineTuneJob, FineTuneJob];
    const wild = { ...first, optimiser: { ...first.optimiser, learningRate: 1e38, trainEpochs: 5 } };
    const { outcomes } = await withCompute(1, (compute) => compute.fineTune({ modelDirectory, lora, jobs: [wild, second] }));
    expect(outcomes[0]).toMatchObject({ status: 'failed', code: 'NOT_FINITE' });
    expect(outcomes[1]).toMatchObject({ status: 'done' });
  });
});

describe('pretrain', () => {
  const corpusFile = join(directory, 'corpus.jsonl');
  const lines = Array.from({ length: 1500 }, (_, i) => ({ segments: [{ text: `a ${'b '.repeat(i % 7)}`, lossWeight: 0.5 }, { text: 'c', lossWeight: 1 }] }));
  const model = { width: 16, layers: 2, heads: 2, kvHeads: 1, ffnWidth: 24, contextLength: 64, ropeTheta: 10_000, normEpsilon: 1e-5 };
  const training = {
    documents: lines.length,
    rows: 2,
    length: 16,
    matrixLearningRate: 0.02,
    matrixMomentum: 0.95,
    learningRate: 3e-3,
    beta2: 0.95,
    warmupSteps: 2,
    decayFraction: 0.5,
  };

  /** Trains to the end, killed whenever `interrupt` says so after a checkpoint. */
  async function pretrained(run: string, kills: number): Promise<{ hash: string; curve: unknown }> {
    const outDirectory = join(directory, run);
    const workDirectory = join(directory, `${run}.unfinished`);
    const request = { model, training, seed: 4, outDirectory, corpusFile, eosTokenId: 1, workDirectory, checkpointSeconds: 0 };
    writeFileSync(corpusFile, lines.map((line) => JSON.stringify(line)).join('\n'));
    copyTokenizer(outDirectory);
    for (let kill = 1; kill <= kills; kill += 1) {
      const controller = new AbortController();
      const onProgress = ({ done }: { done: number }): void => {
        if (done > 10 * kill) controller.abort();
      };
      await withCompute(1, (compute) => expect(compute.pretrain(request, { signal: controller.signal, onProgress })).rejects.toThrow('cancelled'));
    }
    await withCompute(1, (compute) => compute.pretrain(request));
    const { curve } = JSON.parse(readFileSync(join(outDirectory, 'loss.json'), 'utf8')) as { curve: { loss: number }[] };
    return { hash: createHash('sha256').update(readFileSync(join(outDirectory, 'model.safetensors'))).digest('hex'), curve };
  }

  test('killed or not, it gives the same bits and the same loss curve', async () => {
    const undisturbed = await pretrained('undisturbed', 0);
    expect(await pretrained('killed', 2)).toEqual(undisturbed);
  });
});

function copyTokenizer(to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(modelDirectory, name), join(to, name));
}
