import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FineTuneOutcome, LanguageModel, ScoredRow, TrainingRow } from '../../contracts/language-model';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { goldenAdapter, goldenFor, goldenModel, goldens, type GoldenAnswers, type GoldenTraining } from '../golden/golden-values';

/** Of scores and losses: |ours - theirs| / |theirs|. */
const TOLERANCE = 1e-4;

jest.setTimeout(120_000);

let languageModel: LanguageModel;
let directory: string;
beforeAll(() => {
  languageModel = startComputeProcess({ threads: 1 });
  directory = mkdtempSync(join(tmpdir(), 'seal-parity-'));
});
afterAll(async () => {
  await languageModel.close();
  rmSync(directory, { recursive: true });
});

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

async function scoreRows(model: string, adapterDirectory: string | null, rows: readonly TrainingRow[]): Promise<readonly ScoredRow[] | undefined> {
  const { groups } = await languageModel.score({ modelDirectory: goldenModel(model), groups: [{ adapterDirectory, rows }] });
  return groups[0];
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

describe('merging', () => {
  it('gives a model that scores as base and adapter do', async () => {
    const { model, adapter, rows, adapted } = goldenFor('gqa-bf16');
    const outDirectory = join(directory, 'merged');
    await languageModel.merge({ modelDirectory: goldenModel(model), adapterDirectories: [goldenAdapter(adapter)], outDirectory });
    const { groups } = await languageModel.score({ modelDirectory: outDirectory, groups: [{ adapterDirectory: null, rows }] });
    expectSameScores(groups[0], adapted.scores);
  });
});
