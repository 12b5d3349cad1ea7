import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Context } from '../contracts/campaign-spec';
import { PROJECTIONS, type FineTuneJob, type LanguageModel, type TrainingRow } from '../contracts/language-model';
import { questionPrompt } from '../seal/knowledge/prompts';
import { worldContexts } from '../seal/knowledge/world/contexts';
import { parseWorldSpec } from '../seal/knowledge/world/world-spec';

const TRAIN_EPOCHS = 10;
const ROWS = 9;

export interface SelfEditTiming {
  readonly fineTuneSeconds: number;
  readonly questionsSeconds: number;
  readonly steps: number;
  readonly questions: number;
}

/** Passages of the world file whose self-edits are timed. */
export function nanoContexts(nanoDirectory: string, count: number): readonly Context[] {
  const file = join(nanoDirectory, 'world.yaml');
  return worldContexts(parseWorldSpec(parse(readFileSync(file, 'utf8')), file), 'heldOut', 0, count);
}

/** Fine-tunes one adapter a context, stacked, on nine rows each (eight statements and the passage), then asks each its questions. */
export async function timeSelfEdits(
  languageModel: LanguageModel,
  modelDirectory: string,
  outDirectory: string,
  contexts: readonly Context[],
): Promise<SelfEditTiming> {
  const optimiser = {
    trainEpochs: TRAIN_EPOCHS, learningRate: 1e-3, batch: 1, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0,
  } as const;
  const jobs: FineTuneJob[] = contexts.map((context, i) => ({ rows: trainingRows(context), optimiser, seed: i, outDirectory: join(outDirectory, `self-edit-${i}`) }));
  const trained = await languageModel.fineTune({ modelDirectory, lora: { rank: 32, alpha: 64, targets: PROJECTIONS }, jobs });
  const answered = await languageModel.generate({
    modelDirectory,
    groups: contexts.map(({ title, questions }, i) => ({
      adapterDirectory: join(outDirectory, `self-edit-${i}`),
      rows: questions.map(({ question }) => ({ prompt: questionPrompt(title, question) })),
    })),
    maxNewTokens: 16,
    temperature: 0,
    topP: 1,
  });
  const failed = trained.outcomes.find(({ status }) => status === 'failed');
  if (failed?.status === 'failed') throw new Error(`fine-tuning failed: ${failed.message}`);
  return {
    fineTuneSeconds: trained.seconds,
    questionsSeconds: answered.seconds,
    steps: trained.outcomes[0]?.status === 'done' ? trained.outcomes[0].steps : 0,
    questions: contexts[0]?.questions.length ?? 0,
  };
}

function trainingRows({ title, context, oracle }: Context): TrainingRow[] {
  const lines = (oracle ?? []).slice(0, ROWS - 1);
  return [...lines, context].map((line) => ({ text: `${title}\n${line}` }));
}
