import type { Context } from '../../../contracts/campaign-spec';
import { knowledgeDomain } from '../../../seal/knowledge/domain';

const question = { question: 'What leaves the market?', answer: 'wool' };
const context: Context = { title: 'Miravel', context: 'Carts of wool leave the market.', questions: [question] };

test('the two prompts, character by character, as the nano model learnt them', () => {
  expect(knowledgeDomain.proposalPrompt(context)).toBe(
    'List facts that follow from this passage.\n\nPassage:\nMiravel\nCarts of wool leave the market.\n\nImplications:\n',
  );
  expect(knowledgeDomain.questionPrompt(context, question)).toBe(
    'Answer in a few words.\nQuestion: Topic: Miravel\nWhat leaves the market?\nAnswer:\n',
  );
});

test('the gold answer is scored as the completion of its closed-book prompt', () => {
  expect(knowledgeDomain.goldAnswerRow(context, question)).toEqual({
    prompt: knowledgeDomain.questionPrompt(context, question),
    completion: 'wool',
  });
});

test('passage-only and oracle rows', () => {
  expect(knowledgeDomain.passageRows(context, { lossOn: 'all' })).toEqual([
    { text: 'Miravel\nCarts of wool leave the market.' },
  ]);
  const innerLoop = { lossOn: 'all', includePassage: false } as const;
  expect(knowledgeDomain.oracleRows(context, innerLoop)).toEqual([]);
  expect(knowledgeDomain.oracleRows({ ...context, oracle: ['Miravel sells wool.'] }, innerLoop)).toEqual([
    { text: 'Miravel\nMiravel sells wool.' },
  ]);
});

test('a kept self-edit trains the policy on its prompt and trimmed text', () => {
  expect(knowledgeDomain.policyRow(context, ' - One.\n')).toEqual({
    prompt: knowledgeDomain.proposalPrompt(context),
    completion: '- One.',
  });
  expect(knowledgeDomain.policyRow(context, ' \n')).toBeNull();
});
