import type { CampaignInput } from '../../campaign/campaign';
import type { ComputeOptions } from '../../campaign/language-model';
import type { Tokenizer } from '../dependencies';

/** Most tokens of a training row: the campaign's limit, or the model's context where that is shorter. */
export async function rowTokenLimit(tokenizer: Tokenizer, input: CampaignInput, options: ComputeOptions): Promise<number> {
  const { contextLength } = await tokenizer.describe(input.model.directory, options);
  return Math.min(input.spec.limits.maxRowTokens, contextLength);
}
