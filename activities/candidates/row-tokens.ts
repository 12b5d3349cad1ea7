import type { CampaignInput } from '../../contracts/campaign';
import type { ComputeOptions, LanguageModel, TrainingRow } from '../../contracts/language-model';

/** Start and end tokens that a tokenizer may add to a row. */
const SPECIAL_TOKENS = 2;

/** Most tokens of a training row: the campaign's limit, or the model's context where that is shorter. */
export async function rowTokenLimit(model: LanguageModel, input: CampaignInput, options: ComputeOptions): Promise<number> {
  const { contextLength } = await model.describe(input.model.directory, options);
  return Math.min(input.spec.limits.maxRowTokens, contextLength);
}

/** Tokens of each row, special tokens included. */
export async function rowTokens(
  model: LanguageModel,
  modelDirectory: string,
  rows: readonly TrainingRow[],
  options: ComputeOptions,
): Promise<number[]> {
  if (rows.length === 0) return [];
  const texts = rows.map((row) => ({ text: 'text' in row ? row.text : row.prompt + row.completion, parseSpecial: row.parseSpecial ?? false }));
  const counts = await model.countTokens({ modelDirectory, texts }, options);
  return counts.map((count) => count + SPECIAL_TOKENS);
}
