import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FineTuneJob, FineTuneResult, LoraSettings, TrainingRow } from '../../../../campaign/language-model';
import { readAdapter } from '../../../../engine/files/adapter';
import { readModelConfig } from '../../../../engine/files/model-config';
import { goldenAdapter, goldenModel } from '../../../golden/golden-values';
import { computeFixture } from '../../compute-fixture';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('gqa-bf16');
const config = readModelConfig(modelDirectory);
const { compute, directory } = computeFixture();

const lora: LoraSettings = { rank: 6, alpha: 9, targets: 'all-linear' };
/** Of each job; the last has the request's. */
const OWN: readonly FineTuneJob['lora'][] = [{ rank: 4, alpha: 16 }, { rank: 8, alpha: 4 }, undefined];
/** Equal lengths, so that a job has lines of one shape in any company. */
const rows: readonly TrainingRow[] = ['a b c a b', 'c b a a c', 'b b c c a', 'a c a c b'].map((text) => ({ text }));

/** Rates and ends of their own too. */
function jobs(run: string): FineTuneJob[] {
  return OWN.map((own, i) => ({
    rows,
    ...(own && { lora: own }),
    optimiser: { trainEpochs: 3 + i, learningRate: (i + 1) * 2e-3, batch: 2, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 0.5, weightDecay: 0.1 },
    seed: i + 1,
    outDirectory: join(directory, run, `job-${i + 1}`),
  }));
}

const train = (settings: LoraSettings, members: readonly FineTuneJob[]): Promise<FineTuneResult> => compute.fineTune({ modelDirectory, lora: settings, jobs: members });

function parametersOf({ outDirectory }: FineTuneJob): number[] {
  return [...readAdapter(outDirectory, config).matrices.values()].flatMap(({ a, b }) => [...a, ...b]);
}

/** Norm of the difference, as a share of the norm. */
function difference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.hypot(...a.map((x, i) => x - (b[i] as number))) / Math.hypot(...a);
}

describe.each<[string, LoraSettings]>([
  ['plain', lora],
  ['rank-stabilised', { ...lora, rsLora: true }],
  ['with patterns of ranks and alphas', { ...lora, rankPattern: { 'layers.0.self_attn.q_proj': 10, v_proj: 2 }, alphaPattern: { down_proj: 3 } }],
  ['with dropout', { ...lora, dropout: 0.25 }],
])('jobs of unlike ranks, %s', (name, settings) => {
  const [stacked, alone] = [jobs(`${name} stacked`), jobs(`${name} alone`)];
  let together: FineTuneResult;
  const apart: FineTuneResult[] = [];
  beforeAll(async () => {
    together = await train(settings, stacked);
    for (const job of alone) apart.push(await train(settings, [job]));
  });

  it('have the losses and the adapters that each has alone', () => {
    stacked.forEach((job, i) => {
      const [ours, theirs] = [together.outcomes[i], apart[i]?.outcomes[0]];
      if (ours?.status !== 'done' || theirs?.status !== 'done') throw new Error('expected both to be done');
      expect(ours.steps).toBe(2 * (3 + i));
      ours.log.forEach(({ loss }, step) => expect(Math.abs(loss / (theirs.log[step]?.loss as number) - 1)).toBeLessThan(1e-5));
      expect(difference(parametersOf(job), parametersOf(alone[i] as FineTuneJob))).toBeLessThan(1e-5);
    });
  });

  it('write adapters of their own ranks and alphas', () => {
    stacked.forEach((job, i) => {
      const { r, lora_alpha: alpha } = JSON.parse(readFileSync(join(job.outDirectory, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
      expect({ rank: r, alpha }).toEqual({ rank: OWN[i]?.rank ?? lora.rank, alpha: OWN[i]?.alpha ?? lora.alpha });
      expect(readFileSync(join(job.outDirectory, 'adapter_config.json'))).toEqual(readFileSync(join((alone[i] as FineTuneJob).outDirectory, 'adapter_config.json')));
    });
  });
});

describe('jobs of one rank, said by each', () => {
  it('train to the bits that each has alone', async () => {
    const own = (run: string) => jobs(run).map((job, i) => ({ ...job, lora: { rank: 6, alpha: 6 * (i + 1) } }));
    const [stacked, alone] = [own('equal stacked'), own('equal alone')];
    await train(lora, stacked);
    for (const job of alone) await train(lora, [job]);
    expect(stacked.map(parametersOf)).toEqual(alone.map(parametersOf));
  });
});

describe('a rank of one job', () => {
  it.each([
    [{ rank: 0 }, 'job 2: lora.rank: expected a whole number from 1, got 0'],
    [{ rank: 1.5 }, 'job 2: lora.rank: expected a whole number from 1, got 1.5'],
    [{ alpha: 0 }, 'job 2: lora.alpha: expected a number above 0, got 0'],
  ])('that is none is refused: %j', async (own, message) => {
    const [first, second] = jobs('refused') as [FineTuneJob, FineTuneJob];
    await expect(train(lora, [first, { ...second, lora: own }])).rejects.toThrow(message);
  });

  it('has to be that of the adapter it starts from', async () => {
    const [job] = jobs('continued') as [FineTuneJob];
    const settings = { ...lora, targets: ['q_proj', 'v_proj'] };
    const continued = { ...job, initAdapterDirectory: goldenAdapter('gqa-qv-r6') };
    await expect(train(settings, [continued])).rejects.toThrow('expected an adapter of rank 4 on q_proj, v_proj in');
    const { outcomes } = await train(settings, [{ ...continued, lora: { rank: 6 } }]);
    expect(outcomes[0]?.status).toBe('done');
  });
});

describe('adapters of unlike shapes in one request', () => {
  const asked = jobs('asked');
  const adapters = [...asked.map(({ outDirectory }) => outDirectory), goldenAdapter('gqa-qv-r6')];
  beforeAll(() => train({ ...lora, rsLora: true, rankPattern: { v_proj: 2 } }, asked));

  it('answer as each does alone', async () => {
    const prompts = ['a b', 'c a b', 'b'].map((prompt) => ({ prompt }));
    const settings = { modelDirectory, maxNewTokens: 12, temperature: 0, topP: 1, logprobs: true };
    const { groups } = await compute.generate({ ...settings, groups: adapters.map((adapterDirectory) => ({ adapterDirectory, rows: prompts })) });
    for (const [i, adapterDirectory] of adapters.entries()) {
      const { groups: alone } = await compute.generate({ ...settings, groups: [{ adapterDirectory, rows: prompts }] });
      groups[i]?.forEach(({ tokenIds, logprobs = [] }, row) => {
        expect(tokenIds).toEqual(alone[0]?.[row]?.tokenIds);
        expect(logprobs).toHaveLength(tokenIds.length);
        logprobs.forEach((logprob, token) => expect(logprob).toBeCloseTo(alone[0]?.[row]?.logprobs?.[token] as number, 5));
      });
    }
  });

  it('score as each does alone', async () => {
    const { groups } = await compute.score({ modelDirectory, groups: adapters.map((adapterDirectory) => ({ adapterDirectory, rows })) });
    for (const [i, adapterDirectory] of adapters.entries()) {
      const { groups: alone } = await compute.score({ modelDirectory, groups: [{ adapterDirectory, rows }] });
      groups[i]?.forEach(({ logprob, tokens }, row) => {
        expect(tokens).toBe(alone[0]?.[row]?.tokens);
        expect(logprob).toBeCloseTo(alone[0]?.[row]?.logprob as number, 4);
      });
    }
    expect(new Set(groups.map(([row]) => row?.logprob)).size).toBe(adapters.length);
  });
});
