import { join } from 'node:path';
import type { FineTuneJob, StepLog, TrainingRow } from '../../../../campaign/language-model';
import { readAdapter } from '../../../../engine/files/adapter';
import { readModelConfig } from '../../../../engine/files/model-config';
import { partsOfStep } from '../../../../engine/model/training/step-feeds';
import { goldenAdapter, goldenModel, goldens } from '../../../golden/golden-values';
import { computeFixture } from '../../compute-fixture';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('gqa-bf16');
const config = readModelConfig(modelDirectory);
const initAdapterDirectory = goldenAdapter('gqa-qv-r6');
const lora = { rank: 6, alpha: 9, targets: ['q_proj', 'v_proj'] };

const { compute, directory } = computeFixture();

/** Unlike lengths, texts and pairs, so that some share a line and some do not. */
const rows: readonly TrainingRow[] = goldens.models[1]?.rows.slice(0, 11) ?? [];

function job(name: string, batch: number, accumulation: number): FineTuneJob {
  const optimiser = { trainEpochs: 3, learningRate: 5e-3, batch, accumulation, schedule: 'cosine', warmupSteps: 1, shuffle: true, clipNorm: 1, weightDecay: 0.1 } as const;
  return { rows, optimiser, seed: 5, initAdapterDirectory, outDirectory: join(directory, name) };
}

async function trained(jobs: readonly FineTuneJob[], gradientCheckpointing = false): Promise<{ logs: (readonly StepLog[])[]; parameters: Float32Array[] }> {
  const { outcomes } = await compute.fineTune({ modelDirectory, lora, gradientCheckpointing, jobs });
  const logs = outcomes.map((outcome) => (outcome.status === 'done' ? outcome.log : []));
  const parameters = jobs.map(({ outDirectory }) => {
    const matrices = [...readAdapter(outDirectory, config).matrices.values()];
    return Float32Array.from(matrices.flatMap(({ a, b }) => [...a, ...b]));
  });
  return { logs, parameters };
}

/** Norm of the difference, as a share of the norm: AdamW makes much of single elements whose gradient is nearly nothing. */
function difference(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (a === undefined || b === undefined || a.length !== b.length) throw new Error('expected two adapters of one shape');
  return Math.hypot(...a.map((x, i) => x - (b[i] as number))) / Math.hypot(...a);
}

describe('partsOfStep', () => {
  const row = (length: number) => ({ ids: Array.from({ length }, (_, i) => i), lossFrom: 1 });
  const { optimiser } = job('', 4, 1);

  it('cuts rows in order into as many parts, the last of which may be smaller', () => {
    const five = [2, 3, 4, 5, 6].map(row);
    const parts = partsOfStep([{ rows: five, optimiser: { ...optimiser, accumulation: 2 } }]);
    expect(parts.map(([part]) => part?.map(({ ids }) => ids.length))).toEqual([[2, 3, 4], [5, 6]]);
  });

  it('gives an adapter with fewer parts none in the others', () => {
    const parts = partsOfStep([
      { rows: [2, 3, 4].map(row), optimiser: { ...optimiser, accumulation: 3 } },
      { rows: [5, 6].map(row), optimiser },
    ]);
    expect(parts.map((adapters) => adapters.map((part) => part.length))).toEqual([[1, 2], [1, 0], [1, 0]]);
  });
});

describe('a step', () => {
  it('of packed rows is the step of rows computed one by one', async () => {
    const packed = await trained([job('packed', 6, 1)]);
    const alone = await trained([job('alone', 6, 6)]);
    expect(packed.logs[0]).toHaveLength(6);
    packed.logs[0]?.forEach(({ loss, learningRate, lossTokens }, step) => {
      expect(alone.logs[0]?.[step]).toMatchObject({ learningRate, lossTokens });
      expect(Math.abs((alone.logs[0]?.[step]?.loss as number) / loss - 1)).toBeLessThan(1e-5);
    });
    expect(difference(packed.parameters[0], alone.parameters[0])).toBeLessThan(1e-5);
  });

  it.each([2, 3, 4])('in %d parts is the step in one', async (accumulation) => {
    const whole = await trained([job('whole', 6, 1)]);
    const parts = await trained([job('parts', 6, accumulation)]);
    whole.logs[0]?.forEach(({ loss }, step) => expect(Math.abs((parts.logs[0]?.[step]?.loss as number) / loss - 1)).toBeLessThan(1e-5));
    expect(difference(whole.parameters[0], parts.parameters[0])).toBeLessThan(1e-5);
  });

  it('has parts of its own for each stacked job, which may have none', async () => {
    const stacked = await trained([job('s1', 6, 3), job('s2', 4, 1)]);
    const apart = [await trained([job('a1', 6, 3)]), await trained([job('a2', 4, 1)])];
    expect(difference(stacked.parameters[0], apart[0]?.parameters[0])).toBeLessThan(1e-5);
    expect(difference(stacked.parameters[1], apart[1]?.parameters[0])).toBeLessThan(1e-5);
  });

  it('has the same bits when layers are computed again in the backward pass', async () => {
    const kept = await trained([job('kept', 6, 1), job('kept-parts', 4, 2)]);
    const again = await trained([job('again', 6, 1), job('again-parts', 4, 2)], true);
    expect(again.logs).toEqual(kept.logs);
    expect(again.parameters).toEqual(kept.parameters);
  });

  it('that follows another training of the same compute process gives the same bits', async () => {
    const first = await trained([job('first', 6, 3)]);
    const second = await trained([job('second', 6, 3)]);
    expect(second.parameters[0]).toEqual(first.parameters[0]);
  });
});
