import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processMemory } from '../../../bench/process-memory';
import { SMALL, randomText, writeRandomModel } from '../../../bench/random-model';
import type { BasePrecision, LoraSettings } from '../../../campaign/language-model';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { estimateGenerationMemory, estimateTrainingMemory } from '../../../engine/model/memory-estimate';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { seededRandom } from '../../../seal/algorithm/seeds';
import { goldenModel } from '../../golden/golden-values';

/** Of an estimate: |estimate - peak| / peak. */
const TOLERANCE = 0.25;
const COMPUTE_TIMEOUT_MS = 120_000;

/** The most that a process holds is known on Linux, which the estimate's constants were measured on. */
const onLinux = process.platform === 'linux' ? it : it.skip;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-memory-'));
  writeRandomModel(join(directory, 'small'), SMALL, 1);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const modelAt = (name: string): string => (name === 'small' ? join(directory, 'small') : goldenModel(name));

/** Peak of a compute process that does nothing but `work`. */
async function peakOf(work: (compute: ComputeProcess) => Promise<unknown>): Promise<number> {
  const compute = startComputeProcess({ threads: 1 });
  try {
    await work(compute);
    return processMemory(compute.pid as number).peak;
  } finally {
    await compute.close();
  }
}

function expectNear(estimate: number, peak: number): void {
  expect({ estimate, peak, isNear: Math.abs(estimate / peak - 1) <= TOLERANCE }).toEqual({ estimate, peak, isNear: true });
}

const texts = (count: number, length: number): string[] => {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => randomText(length, random, SMALL));
};

describe('estimateTrainingMemory', () => {
  onLinux.each<[model: string, lora: LoraSettings, length: number, batch: number, gradientCheckpointing: boolean]>([
    ['small', { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] }, 16, 1, false],
    ['small', { rank: 32, alpha: 64, targets: 'all-linear' }, 128, 4, false],
    ['small', { rank: 32, alpha: 64, targets: 'all-linear' }, 256, 4, true],
    ['qwen2-bf16', { rank: 4, alpha: 8, targets: 'all-linear' }, 64, 4, false],
    ['llama3-sharded-fp16', { rank: 4, alpha: 8, targets: 'all-linear' }, 64, 4, false],
  ])('is near the peak of a fine-tune of %s (%j, rows of %i, %i a step, checkpointing %s)', async (name, lora, length, batch, gradientCheckpointing) => {
    const modelDirectory = modelAt(name);
    const optimiser = { trainEpochs: 3, learningRate: 1e-3, batch, schedule: 'linear', warmupSteps: 0, shuffle: false, clipNorm: 1, weightDecay: 0 } as const;
    // Two letters are one token of the golden models, or two.
    const rows = (name === 'small' ? texts(batch, length) : Array.from({ length: batch }, () => 'Q%'.repeat(length / 2))).map((text) => ({ text }));
    const job = { rows, optimiser, seed: 1, outDirectory: join(directory, 'adapter') };
    const peak = await peakOf((compute) => compute.fineTune({ modelDirectory, lora, gradientCheckpointing, jobs: [job] }));
    const { total } = estimateTrainingMemory(openModelDirectory(modelDirectory), { lora, length, batch, gradientCheckpointing });
    expectNear(total, peak);
  }, COMPUTE_TIMEOUT_MS);

  onLinux('counts what rounding the weights to 8 bits takes while the session opens', async () => {
    const lora = { rank: 8, alpha: 16, targets: 'all-linear' } as const;
    const modelDirectory = modelAt('small');
    const optimiser = { trainEpochs: 1, learningRate: 1e-3, batch: 1, schedule: 'linear', warmupSteps: 0, shuffle: false, clipNorm: 1, weightDecay: 0 } as const;
    const job = { rows: texts(2, 32).map((text) => ({ text })), optimiser, seed: 1, outDirectory: join(directory, 'adapter') };
    const peak = await peakOf((compute) => compute.fineTune({ modelDirectory, compute: { basePrecision: 'int8' }, lora, jobs: [job] }));
    const total = (basePrecision: BasePrecision): number => estimateTrainingMemory(openModelDirectory(modelDirectory), { lora, length: 32, batch: 1, basePrecision }).total;
    expectNear(total('int8'), peak);
    // A training in 8 bits that does not fit is refused, not killed.
    const refused = (memoryLimitBytes: number): Promise<unknown> =>
      peakOf((compute) => compute.fineTune({ modelDirectory, compute: { basePrecision: 'int8' }, lora, jobs: [job], memoryLimitBytes }));
    await expect(refused((total('int8') + total('float32')) / 2)).rejects.toThrow(/^memory: expected a training that fits/);
  }, COMPUTE_TIMEOUT_MS);

  it('grows with length, rows, rank and adapters, and shrinks where layers are computed again', () => {
    const model = openModelDirectory(modelAt('small'));
    const settings = { lora: { rank: 8, alpha: 16, targets: 'all-linear' }, length: 64, batch: 2 } as const;
    const base = estimateTrainingMemory(model, settings);
    const total = (changes: object): number => estimateTrainingMemory(model, { ...settings, ...changes }).total;
    expect(total({ length: 128 })).toBeGreaterThan(base.total);
    expect(total({ batch: 4 })).toBeGreaterThan(base.total);
    expect(total({ lora: { ...settings.lora, rank: 32 } })).toBeGreaterThan(base.total);
    expect(total({ adapters: 4 })).toBeGreaterThan(base.total);
    // The second copy of each layer's graph has to be earned by long rows.
    expect(total({ gradientCheckpointing: true, length: 512 })).toBeLessThan(total({ length: 512 }));
    const { total: sum, ...parts } = base;
    expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBe(sum);
  });
});

describe('estimateGenerationMemory', () => {
  onLinux.each<[model: string, rows: number, promptTokens: number, newTokens: number]>([
    ['small', 1, 32, 16],
    ['small', 16, 128, 32],
    ['qwen2-bf16', 4, 64, 16],
  ])('is near the peak of %s answering %i prompts of %i tokens with %i new ones', async (name, rows, promptTokens, newTokens) => {
    const modelDirectory = modelAt(name);
    const prompts = (name === 'small' ? texts(rows, promptTokens) : Array.from({ length: rows }, (_, i) => 'Q%'.repeat(promptTokens / 2 - i))).map((prompt) => ({ prompt }));
    const groups = [{ adapterDirectory: null, rows: prompts }];
    const peak = await peakOf((compute) => compute.generate({ modelDirectory, groups, maxNewTokens: newTokens, temperature: 0, topP: 1 }));
    expectNear(estimateGenerationMemory(openModelDirectory(modelDirectory), { rows, promptTokens, newTokens }).total, peak);
  }, COMPUTE_TIMEOUT_MS);
});
