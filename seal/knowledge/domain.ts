/**
 * Knowledge incorporation: a passage is restated by the policy, trained on, and asked about without the passage at
 * hand.
 * Source: paper, "Knowledge Incorporation".
 */
import type { Domain } from '../domain';
import { loadContexts } from './load-contexts';
import { implicationsPrompt, questionPrompt } from './prompts';
import { parseSelfEdit } from './self-edit';
import { trainingRow, trainingRows } from './training-rows';

export const knowledgeDomain: Domain = {
  name: 'knowledge',
  proposalPrompt: ({ title, context }) => implicationsPrompt(title, context),
  parseSelfEdit,
  passageRows: ({ title, context }, { lossOn }) => [trainingRow(title, context, lossOn)],
  oracleRows: (context, innerLoop) =>
    context.oracle === undefined ? [] : trainingRows(context, context.oracle, innerLoop),
  questionPrompt: ({ title }, { question }) => questionPrompt(title, question),
  goldAnswerRow: ({ title }, { question, answer }) => ({ prompt: questionPrompt(title, question), completion: answer }),
  policyRow({ title, context }, selfEdit) {
    const completion = selfEdit.trim();
    return completion === '' ? null : { prompt: implicationsPrompt(title, context), completion };
  },
  loadContexts,
};
