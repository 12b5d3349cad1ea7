import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FineTuneJob, FineTuneOutcome, LoraSettings } from '../../../../campaign/language-model';
import { Graph } from '../../../../engine/graph/graph';
import { dropoutRowKey, dropoutTokenKey, dropped, mixed } from '../../../../engine/model/lora/dropout';
import { goldenModel } from '../../../golden/golden-values';
import { computeFixture } from '../../compute-fixture';
import { GraphRunner } from '../../graph/run-graph';

jest.setTimeout(120_000);

const WIDTH = 64;
const runner = new GraphRunner();
afterAll(() => runner.close());

/** 1 where an element of tokens of a row is kept, [tokens, WIDTH]. */
async function kept(share: number, module: string, rowKey: number, tokens: number): Promise<number[]> {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['N', 'M', WIDTH]);
  const tokenKeys = graph.input('keys', 'uint32', ['N', 'M']);
  graph.output('y', dropped(x, { share, tokenKeys }, module));
  const keys = Array.from({ length: tokens }, (_, t) => dropoutTokenKey(rowKey, t));
  const feeds = { x: { data: new Array<number>(tokens * WIDTH).fill(1), shape: [1, tokens, WIDTH] }, keys: { data: keys, shape: [1, tokens] } };
  const [result] = await runner.run(graph, [feeds]);
  return result?.['y'] ?? [];
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
/** In standard deviations of a coin thrown so often. */
const surprise = (share: number, expected: number, n: number): number => Math.abs(share - expected) / Math.sqrt((expected * (1 - expected)) / n);
const rowKey = dropoutRowKey(3, 7, 0);

describe('dropped', () => {
  it.each([0.05, 0.1, 0.5, 0.9])('drops a share of %d, evenly over tokens and channels', async (share) => {
    const mask = await kept(share, '0.q_proj', rowKey, 400);
    expect(surprise(mean(mask), 1 - share, mask.length)).toBeLessThan(4);
    const byToken = Array.from({ length: 400 }, (_, t) => mean(mask.slice(t * WIDTH, (t + 1) * WIDTH)));
    const byChannel = Array.from({ length: WIDTH }, (_, c) => mean(mask.filter((_, i) => i % WIDTH === c)));
    for (const one of byToken) expect(surprise(one, 1 - share, WIDTH)).toBeLessThan(5);
    for (const one of byChannel) expect(surprise(one, 1 - share, 400)).toBeLessThan(5);
  });

  it('drops neighbours, modules, rows, steps and seeds independently', async () => {
    const mask = await kept(0.5, '0.q_proj', rowKey, 400);
    const agreement = (other: readonly number[]): number => surprise(mean(mask.map((bit, i) => (bit === other[i] ? 1 : 0))), 0.5, mask.length);
    const others = [
      await kept(0.5, '0.k_proj', rowKey, 400),
      await kept(0.5, '1.q_proj', rowKey, 400),
      await kept(0.5, '0.q_proj', dropoutRowKey(3, 7, 1), 400),
      await kept(0.5, '0.q_proj', dropoutRowKey(3, 8, 0), 400),
      await kept(0.5, '0.q_proj', dropoutRowKey(4, 7, 0), 400),
      [...mask.slice(1), 0],
      [...mask.slice(WIDTH), ...mask.slice(0, WIDTH)],
    ];
    for (const other of others) expect(agreement(other)).toBeLessThan(4);
    // Corners of rectangles, which a hash of token xor channel would give away.
    const corners = Array.from({ length: 399 * 63 }, (_, i) => {
      const at = Math.floor(i / 63) * WIDTH + (i % 63);
      return ((mask[at] as number) + (mask[at + 1] as number) + (mask[at + WIDTH] as number) + (mask[at + WIDTH + 1] as number)) % 2;
    });
    expect(surprise(mean(corners), 0.5, corners.length)).toBeLessThan(4);
  });

  it('is a function of its keys, which do not collide early', async () => {
    expect(await kept(0.3, '0.q_proj', rowKey, 3)).toEqual(await kept(0.3, '0.q_proj', rowKey, 3));
    expect(mixed(1)).toBe(mixed(1));
    expect(new Set(Array.from({ length: 10_000 }, (_, i) => mixed(i))).size).toBe(10_000);
  });
});

describe('fine-tuning with dropout', () => {
  const { compute, directory } = computeFixture();

  const modelDirectory = goldenModel('tied-fp32');
  const lora: LoraSettings = { rank: 4, alpha: 8, targets: 'all-linear', dropout: 0.2 };
  const job = (name: string, seed: number, accumulation = 1): FineTuneJob => ({
    rows: [{ text: 'The harbour of Velmora sells amber.' }, { text: 'copper' }, { text: 'Who plays the lute?' }],
    optimiser: { trainEpochs: 4, learningRate: 5e-3, batch: 3, accumulation, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0 },
    seed,
    outDirectory: join(directory, name),
  });
  const losses = (outcome: FineTuneOutcome | undefined): number[] => (outcome?.status === 'done' ? outcome.log.map(({ loss }) => loss) : []);
  const train = async (jobs: readonly FineTuneJob[], settings = lora, gradientCheckpointing = false): Promise<number[][]> =>
    (await compute.fineTune({ modelDirectory, lora: settings, gradientCheckpointing, jobs })).outcomes.map(losses);
  const bytes = (name: string): Buffer => readFileSync(join(directory, name, 'adapter_model.safetensors'));

  it('gives the same bits again, and other losses than without', async () => {
    const [first] = await train([job('first', 1)]);
    const [again] = await train([job('again', 1)]);
    expect(again).toEqual(first);
    expect(bytes('again').equals(bytes('first'))).toBe(true);
    const [without] = await train([job('without', 1)], { ...lora, dropout: 0 });
    // B is zero before the first step: nothing is dropped from nothing.
    expect(without?.[0]).toBeCloseTo(first?.[0] as number, 6);
    expect(without?.[3]).not.toBeCloseTo(first?.[3] as number, 3);
  });

  it('drops the same alone, stacked, in parts and when layers are computed again', async () => {
    const [alone] = await train([job('alone', 1)]);
    const [, stacked] = await train([job('other', 2), job('stacked', 1)]);
    const [parts] = await train([job('parts', 1, 3)]);
    const [checkpointed] = await train([job('checkpointed', 1)], lora, true);
    for (const trace of [stacked, parts, checkpointed]) {
      expect(trace).toHaveLength(4);
      trace?.forEach((loss, step) => expect(Math.abs(loss / (alone?.[step] as number) - 1)).toBeLessThan(1e-5));
    }
  });

  it('says its share in the configuration', () => {
    expect(JSON.parse(readFileSync(join(directory, 'first', 'adapter_config.json'), 'utf8'))).toMatchObject({ lora_dropout: 0.2 });
  });
});
