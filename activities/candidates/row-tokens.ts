import type { CampaignInput } from '../../contracts/campaign';
import type { ComputeOptions, LanguageModel } from '../../contracts/language-model';

/** Most tokens of a training row: the campaign's limit, or the model's context where that is shorter. */
export async function rowTokenLimit(model: LanguageModel, input: CampaignInput, options: ComputeOptions): Promise<number> {
  const { contextLength } = await model.describe(input.model.directory, options);
  return Math.min(input.spec.limits.maxRowTokens, contextLength);
}
