import { type CampaignSpec, campaignSpecSchema, type PromptName, PROMPTS } from '../../../../campaign/campaign-spec';
import type { Passage } from '../../../../seal/domains/knowledge/passage';
import { knowledgeDomain } from '../../../../seal/domains/knowledge/domain';

const question = { question: 'What leaves the market?', answer: 'wool' };
const context: Passage = { title: 'Miravel', context: 'Carts of wool leave the market.', questions: [question] };
const implications = { prompt: 'implications' } as const;

function specWith(innerLoop: Record<string, unknown>): CampaignSpec {
  return campaignSpecSchema.parse({ name: 'n', seed: 1, model: 'm', epochs: 1, contexts: { train: { path: 'a' }, heldOut: { path: 'b' } }, innerLoop });
}

test('the two prompts, character by character, as the nano model learnt them', () => {
  expect(knowledgeDomain.proposalPrompt(context, implications).prompt).toBe(
    'List facts that follow from this passage.\n\nPassage:\nMiravel\nCarts of wool leave the market.\n\nImplications:\n',
  );
  expect(knowledgeDomain.probes(context)).toEqual([{ prompt: 'Answer in a few words.\nQuestion: Topic: Miravel\nWhat leaves the market?\nAnswer:\n' }]);
});

test('the gold answer is scored as the completion of its closed-book prompt', () => {
  const [probe] = knowledgeDomain.probes(context);
  expect(knowledgeDomain.goldAnswers(context)).toEqual([{ question: question.question, goldAnswer: 'wool', row: { prompt: probe!.prompt, completion: 'wool' } }]);
});

test('a reply stands beside the gold answer of its question', () => {
  const tithe = { question: 'Who takes a tithe?', answer: 'the abbey' };
  expect(knowledgeDomain.answers({ ...context, questions: [question, tithe] }, ['wool', 'nobody'])).toEqual([
    { question: question.question, goldAnswer: 'wool', answer: 'wool' },
    { question: tithe.question, goldAnswer: 'the abbey', answer: 'nobody' },
  ]);
});

test('passage-only and oracle rows', () => {
  expect(knowledgeDomain.baselineRows('passage-only', context, specWith({ lossOn: 'all' }))).toEqual([
    { text: 'Miravel\nCarts of wool leave the market.', endsWithEos: true },
  ]);
  const spec = specWith({ lossOn: 'all', includePassage: false });
  expect(knowledgeDomain.baselineRows('oracle', context, spec)).toEqual([]);
  expect(knowledgeDomain.baselineRows('oracle', { ...context, oracle: ['Miravel sells wool.'] }, spec)).toEqual([
    { text: 'Miravel\nMiravel sells wool.', endsWithEos: true },
  ]);
});

test('what the policy sampled it is trained on as sampled, untrimmed; an EOS ends what was not cut off', () => {
  const { prompt } = knowledgeDomain.proposalPrompt(context, implications);
  const sampled = { text: ' - One.\n', tokenIds: [4, 5, 6] };
  expect(knowledgeDomain.policyRow(context, sampled, implications)).toEqual({ prompt, completionIds: [4, 5, 6], endsWithEos: true });
  expect(knowledgeDomain.policyRow(context, { ...sampled, isCutOff: true }, implications)).toEqual({ prompt, completionIds: [4, 5, 6], endsWithEos: false });
  expect(knowledgeDomain.policyRow(context, { text: '- On', isCutOff: true }, implications)).toEqual({ prompt, completion: '- On', endsWithEos: false });
});

test('a kept self-edit that has no ids trains the policy on its trimmed text', () => {
  expect(knowledgeDomain.policyRow(context, { text: ' - One.\n' }, implications)).toEqual({
    ...knowledgeDomain.proposalPrompt(context, implications),
    completion: '- One.',
    endsWithEos: true,
  });
  expect(knowledgeDomain.policyRow(context, { text: ' \n' }, implications)).toBeNull();
});

const INTO_PASSAGE = '\n\nPassage:\nMiravel\nCarts of wool leave the market.\n\n';

test.each<[PromptName, string, string]>([
  ['implications', 'List facts that follow from this passage.', 'Implications:\n'],
  ['implications-long', 'Write a long list of facts that follow from this passage.', 'Implications:\n'],
  ['implications-very-long', 'Write a very long list of all facts that follow from this passage.', 'Implications:\n'],
  ['rewrite', 'Rewrite this passage in several ways, each on a line of its own.', 'Rewritten passages:\n'],
  ['self-qa', 'Write questions about this passage, each with its answer.', 'Question 1: '],
])('%s: an instruction of one sentence, the passage, the lead-in', (prompt, instruction, leadIn) => {
  expect(knowledgeDomain.proposalPrompt(context, { prompt })).toEqual({ prompt: `${instruction}${INTO_PASSAGE}${leadIn}` });
});

test('none: the passage and nothing else', () => {
  expect(knowledgeDomain.proposalPrompt(context, { prompt: 'none' })).toEqual({ prompt: 'Miravel\nCarts of wool leave the market.\n\n' });
});

test('every prompt of the campaign file has a wording of its own', () => {
  const wordings = PROMPTS.map((prompt) => knowledgeDomain.proposalPrompt(context, { prompt }).prompt);
  expect(new Set(wordings).size).toBe(PROMPTS.length);
});

test('a template is the prompt, of the policy and of its M-step', () => {
  const template = 'About {title}: {context}\nNotes on {title}:';
  const prompt = 'About Miravel: Carts of wool leave the market.\nNotes on Miravel:';
  const parseSpecial = [[0, 6], [13, 15], [46, 56], [63, 64]];
  expect(knowledgeDomain.proposalPrompt(context, { template })).toEqual({ prompt, parseSpecial });
  expect(knowledgeDomain.policyRow(context, { text: 'One.' }, { template })).toEqual({ prompt, parseSpecial, completion: 'One.', endsWithEos: true });
});
