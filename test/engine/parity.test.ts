import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FineTuneOutcome, ScoredRow, TrainingRow } from '../../campaign/language-model';
import { goldenAdapter, goldenFor, goldenModel, goldens, type GoldenAnswers, type GoldenTraining } from '../golden/golden-values';
import { computeFixture } from './compute-fixture';

/** Of scores and losses: |ours - theirs| / |theirs|. */
const TOLERANCE = 1e-4;

jest.setTimeout(120_000);

const { compute: languageModel, directory } = computeFixture();

function expectClose(ours: readonly number[], theirs: readonly number[]): void {
  expect(ours).toHaveLength(theirs.length);
  const differences = ours.map((value, i) => Math.abs(value - (theirs[i] ?? NaN)) / Math.abs(theirs[i] ?? NaN));
  // One number that says how far off the worst is, and where.
  const worst = Math.max(...differences);
  expect({ worst, at: worst < TOLERANCE ? undefined : differences.indexOf(worst) }).toEqual({ worst: expect.any(Number) as number, at: undefined });
}

function expectSameScores(ours: readonly ScoredRow[] | undefined, theirs: readonly ScoredRow[]): void {
  expect(ours?.map(({ tokens }) => tokens)).toEqual(theirs.map(({ tokens }) => tokens));
  expectClose(ours?.map(({ logprob }) => logprob) ?? [], theirs.map(({ logprob }) => logprob));
}

async function scoreIn(modelDirectory: string, adapterDirectory: string | null, rows: readonly TrainingRow[]): Promise<readonly ScoredRow[] | undefined> {
  const { groups } = await languageModel.score({ modelDirectory, groups: [{ adapterDirectory, rows }] });
  return groups[0];
}

function scoreRows(model: string, adapterDirectory: string | null, rows: readonly TrainingRow[]): Promise<readonly ScoredRow[] | undefined> {
  return scoreIn(goldenModel(model), adapterDirectory, rows);
}

describe.each(goldens.models)('$model against transformers + PEFT', ({ model, adapter, rows, base, adapted, maxNewTokens }) => {
  it('scores rows of the base and of an adapter', async () => {
    expectSameScores(await scoreRows(model, null, rows), base.scores);
    expectSameScores(await scoreRows(model, goldenAdapter(adapter), rows), adapted.scores);
  });

  const greedy = async (adapterDirectory: string | null, { greedy: expected }: GoldenAnswers): Promise<void> => {
    const { groups } = await languageModel.generate({
      modelDirectory: goldenModel(model),
      groups: [{ adapterDirectory, rows: expected.map(({ prompt }) => ({ prompt })) }],
      maxNewTokens,
      temperature: 0,
      topP: 1,
    });
    expect(groups[0]).toEqual(expected.map(({ text, tokenIds, finish }) => ({ text, tokenIds, finish })));
  };

  it('generates the same greedy tokens from the base, all prompts in one batch', () => greedy(null, base));
  it('generates the same greedy tokens with an adapter', () => greedy(goldenAdapter(adapter), adapted));
});

/** Fine-tunes a golden case; more than one name gives stacked jobs that should not notice each other. */
async function fineTune(training: GoldenTraining, ...names: string[]): Promise<readonly FineTuneOutcome[]> {
  const { rows, settings, initialAdapter, lora, model } = training;
  const optimiser = { ...settings, warmupSteps: 0, shuffle: false };
  const job = { rows, optimiser, seed: 1, initAdapterDirectory: goldenAdapter(initialAdapter) };
  const jobs = names.map((name) => ({ ...job, outDirectory: join(directory, name) }));
  return (await languageModel.fineTune({ modelDirectory: goldenModel(model), lora, jobs })).outcomes;
}

describe.each(goldens.training)('fine-tuning $name against PEFT and torch.optim.AdamW', (training) => {
  it('takes the same losses, learning rates and loss tokens through every step, and ends with the same adapter', async () => {
    const [outcome] = await fineTune(training, training.name);
    if (outcome?.status !== 'done') throw new Error(`fine-tuning: ${JSON.stringify(outcome)}`);
    expect(outcome.steps).toBe(training.log.length);
    expect(outcome.log.map(({ step, lossTokens }) => [step, lossTokens])).toEqual(training.log.map(({ step, lossTokens }) => [step, lossTokens]));
    expectClose(outcome.log.map(({ loss }) => loss), training.log.map(({ loss }) => loss));
    expectClose(outcome.log.map(({ learningRate }) => learningRate), training.log.map(({ learningRate }) => learningRate));
    expect(outcome.trainedTokens).toBe(training.log.reduce((sum, { lossTokens }) => sum + lossTokens, 0));

    const ours = await scoreRows(training.model, join(directory, training.name), training.rows);
    expectSameScores(ours, training.finalScores);
    expectSameScores(await scoreRows(training.model, goldenAdapter(training.finalAdapter), training.rows), training.finalScores);
  });

  it('does the same for each of two adapters trained stacked', async () => {
    const outcomes = await fineTune(training, `${training.name}-1`, `${training.name}-2`);
    expect(outcomes).toHaveLength(2);
    for (const outcome of outcomes) {
      if (outcome.status !== 'done') throw new Error(`fine-tuning: ${JSON.stringify(outcome)}`);
      expectClose(outcome.log.map(({ loss }) => loss), training.log.map(({ loss }) => loss));
    }
  });
});

describe('what the golden values can tell', () => {
  const { base, rows } = goldenFor('llama3-sharded-fp16');

  it('is that the scaling of rotary embeddings was left out', async () => {
    const unscaled = join(directory, 'unscaled');
    cpSync(goldenModel('llama3-sharded-fp16'), unscaled, { recursive: true });
    const file = join(unscaled, 'config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), rope_scaling: null }));
    const [longest] = (await scoreIn(unscaled, null, rows)) ?? [];
    const expected = base.scores[0]?.logprob ?? NaN;
    expect(Math.abs((longest?.logprob ?? NaN) / expected - 1)).toBeGreaterThan(10 * TOLERANCE);
  });
});

describe('a model in the cache of Hugging Face, all links', () => {
  it.each(['llama3-sharded-fp16', 'qwen2-bf16'])('scores as %s does', async (model) => {
    const snapshot = join(directory, `cache-${model}`, 'snapshots', '0123abc');
    const blobs = join(directory, `cache-${model}`, 'blobs');
    cpSync(goldenModel(model), snapshot, { recursive: true });
    mkdirSync(blobs);
    for (const [i, name] of readdirSync(snapshot).entries()) {
      renameSync(join(snapshot, name), join(blobs, `blob${i}`));
      symlinkSync(join('..', '..', 'blobs', `blob${i}`), join(snapshot, name));
    }
    const { base, rows } = goldenFor(model);
    expectSameScores(await scoreIn(snapshot, null, rows), base.scores);
  });
});

describe('merging', () => {
  it.each(['gqa-bf16', 'llama3-sharded-fp16', 'qwen2-bf16', 'llama-biases-fp32'])('gives a model that scores as %s and its adapter do', async (model) => {
    const { adapter, rows, adapted } = goldenFor(model);
    const outDirectory = join(directory, `merged-${model}`);
    await languageModel.merge({ modelDirectory: goldenModel(model), adapterDirectories: [goldenAdapter(adapter)], outDirectory });
    const { groups } = await languageModel.score({ modelDirectory: outDirectory, groups: [{ adapterDirectory: null, rows }] });
    expectSameScores(groups[0], adapted.scores);
  });
});
