/**
 * Knowledge incorporation: a passage is restated by the policy, trained on, and asked about without the passage at
 * hand.
 * Source: paper, "Knowledge Incorporation".
 */
import type { Context } from '../../contracts/campaign-spec';
import type { Domain, ProposalPrompt, ProposalWording } from '../domain';
import { filledTemplate } from './prompt-template';
import { questionPrompt, selfEditPrompt } from './prompts';
import { parseSelfEdit } from './self-edit';
import { trainingRow, trainingRows } from './training-rows';

export const knowledgeDomain: Domain = {
  name: 'knowledge',
  proposalPrompt,
  parseSelfEdit,
  passageRows: ({ title, context }, { lossOn }) => [trainingRow(title, context, lossOn)],
  oracleRows: (context, innerLoop) =>
    context.oracle === undefined ? [] : trainingRows(context, context.oracle, innerLoop),
  questionPrompt: ({ title }, { question }) => questionPrompt(title, question),
  goldAnswerRow: ({ title }, { question, answer }) => ({ prompt: questionPrompt(title, question), completion: answer }),
  policyRow(context, { text, tokenIds, isCutOff = false }, wording) {
    const completion = text.trim();
    if (completion === '') return null;
    const written = tokenIds === undefined ? { completion } : { completionIds: tokenIds };
    return { ...proposalPrompt(context, wording), ...written, endsWithEos: !isCutOff };
  },
};

function proposalPrompt(context: Context, wording: ProposalWording): ProposalPrompt {
  if ('template' in wording) return filledTemplate(wording.template, context);
  return { prompt: selfEditPrompt(wording.prompt, context.title, context.context) };
}
