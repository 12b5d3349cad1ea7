import type { ProposalWording } from '../seal/domain';
import type { CampaignSpec, Context } from '../contracts/campaign-spec';
import { BadInputError } from '../contracts/errors';
import type { TrainingRow } from '../contracts/language-model';
import type { ModelDirectory } from '../engine/files/model-directory';
import { loadTokenizer } from '../engine/files/tokenizer';
import { countRowTokens } from '../engine/model/rows';
import { knowledgeDomain } from '../seal/knowledge/domain';
import type { CampaignContexts } from './campaign-contexts';

/**
 * Refuses passages, prompts and questions that the model has no room for, and a model that has no EOS to end a row with, hours before a worker would meet them.
 * @throws BadInputError naming the passage, or `model`
 */
export function refuseLongRows(spec: CampaignSpec, contexts: CampaignContexts, wording: ProposalWording, { config, directory }: ModelDirectory): void {
  const { contextLength } = config;
  const tokenizer = loadTokenizer(directory);
  const tokens = (row: TrainingRow): number => countRowTokens(row, tokenizer, config);
  const rowLimit = Math.min(spec.limits.maxRowTokens, contextLength);

  for (const split of ['train', 'heldOut'] as const) {
    for (const context of contexts[split]) {
      const refuse = (what: string, limit: number, rows: readonly TrainingRow[]): void => {
        const longest = Math.max(0, ...rows.map(tokens));
        if (longest <= limit) return;
        throw new BadInputError({
          where: `contexts.${split}: ${JSON.stringify(context.title)}`,
          expected: `${what} of at most ${limit} tokens (the model's context is ${contextLength}, limits.maxRowTokens ${spec.limits.maxRowTokens})`,
          got: String(longest),
        });
      };
      refuse('a passage', rowLimit, knowledgeDomain.passageRows(context, spec.innerLoop));
      refuse('questions with answers', contextLength, context.questions.map((question) => knowledgeDomain.goldAnswerRow(context, question)));
      if (spec.proposals.source !== 'recorded') {
        refuse('a prompt for self-edits', contextLength, [{ ...knowledgeDomain.proposalPrompt(context, wording), completion: '' }]);
      } else if (split === 'train' && spec.epochs > 0) {
        refuse('a recorded self-edit and its prompt', contextLength, recordedRows(spec, context, wording));
      }
    }
  }
}

/** What the M-step would train the policy on. */
function recordedRows(spec: CampaignSpec, context: Context, wording: ProposalWording): TrainingRow[] {
  const recorded = (context.completions ?? []).slice(0, spec.proposals.k);
  return recorded.flatMap((text) => knowledgeDomain.policyRow(context, { text }, wording) ?? []);
}
