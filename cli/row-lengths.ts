import { trainedBaselines } from '../seal/algorithm/stages';
import type { Domain, ProposalWording } from '../seal/domains/domain';
import type { CampaignSpec } from '../campaign/campaign-spec';
import { BadInputError } from '../campaign/errors';
import type { TrainingRow } from '../campaign/language-model';
import type { ModelDirectory } from '../engine/files/model-directory';
import { loadTokenizer } from '../engine/files/tokenizer';
import { countRowTokens } from '../engine/model/rows';
import type { CampaignContexts } from './campaign-contexts';

/**
 * Refuses tasks whose rows, prompts or answers the model has no room for, and a model that has no EOS to end a row with, hours before a worker would meet them.
 * @throws BadInputError naming the context, or `model`
 */
export function checkRowLengths(
  { spec, domain }: { readonly spec: CampaignSpec; readonly domain: Domain },
  contexts: CampaignContexts,
  wording: ProposalWording,
  { config, directory }: ModelDirectory,
): void {
  const { contextLength } = config;
  const tokenizer = loadTokenizer(directory);
  const tokens = (row: TrainingRow): number => countRowTokens(row, tokenizer, config);
  const rowLimit = Math.min(spec.limits.maxRowTokens, contextLength);

  for (const split of ['train', 'heldOut'] as const) {
    for (const { title, task } of contexts[split]) {
      const check = (what: string, limit: number, rows: readonly TrainingRow[]): void => {
        const longest = Math.max(0, ...rows.map(tokens));
        if (longest <= limit) return;
        throw new BadInputError({
          where: `contexts.${split}: ${JSON.stringify(title)}`,
          expected: `${what} of at most ${limit} tokens (the model's context is ${contextLength}, limits.maxRowTokens ${spec.limits.maxRowTokens})`,
          got: String(longest),
        });
      };
      check('text to train on', rowLimit, domain.contextRows(task, spec));
      for (const baseline of split === 'heldOut' ? trainedBaselines(spec) : []) check(`rows for ${baseline}`, rowLimit, domain.baselineRows(baseline, task, spec));
      check('questions with answers', contextLength, domain.goldAnswers(task).map(({ row }) => row));
      if (spec.proposals.source !== 'recorded') {
        check('a prompt for self-edits', contextLength, [{ ...domain.proposalPrompt(task, wording), completion: '' }]);
      } else if (split === 'train' && spec.epochs > 0) {
        const recorded = domain.recordedSelfEdits(task).slice(0, spec.proposals.k);
        // What the M-step would train the policy on.
        check('a recorded self-edit and its prompt', contextLength, recorded.flatMap((text) => domain.policyRow(task, { text }, wording) ?? []));
      }
    }
  }
}
