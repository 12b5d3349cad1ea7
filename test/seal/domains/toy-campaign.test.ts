import { z } from 'zod';
import { collectReport } from '../../../activities';
import type { Domain } from '../../../seal/domains/domain';
import { knowledgeDomain } from '../../../seal/domains/knowledge/domain';
import { DOMAINS, Domains } from '../../../seal/domains/registry';
import { ContentAddressedStore } from '../../../storage/content-addressed-store';
import { CAMPAIGN, RecordedCampaign } from '../../audit/recorded-campaign';

jest.setTimeout(240_000);

const words = z.object({ word: z.string() });
type Word = z.infer<typeof words>;
const reversed = ({ word }: Word): string => [...word].reverse().join('');

/** All that a domain needs: here, to learn to reverse words. */
const reversing: Domain<Word> = {
  name: 'reversing',
  baselines: ['spelt'],
  defaultMethods: ['base', 'spelt', 'spelt-step-matched', 'self-edits'],
  schema: words,
  load: (json) => ({ contexts: z.array(words).parse(json), leftOut: { unanswerable: 0, withoutQuestions: 0 } }),
  describe: ({ word }) => ({ title: word, text: word }),
  recordedSelfEdits: () => [],
  proposalPrompt: ({ word }) => ({ prompt: `How is ${word} reversed?` }),
  parse: ({ text }, { word }, _spec, seed) =>
    seed % 5 === 0 ? { accepted: false, reason: 'no example' } : { accepted: true, rows: [{ prompt: `${word}: `, completion: text }], directives: { trainEpochs: 1 }, notes: [] },
  contextRows: () => [],
  baselineRows: (_name, { word }) => [{ text: [...word].join(' ') }],
  probes: ({ word }) => [{ prompt: `${word} reversed is` }, { prompt: `The letters of ${word}, last first:` }],
  // Two attempts at one word: the first that says anything counts.
  answers: (task, replies) => [{ question: task.word, goldAnswer: reversed(task), answer: replies.find((reply) => reply !== '') ?? '' }],
  goldAnswers: (task) => [{ question: task.word, goldAnswer: reversed(task), row: { prompt: `${task.word} reversed is`, completion: reversed(task) } }],
  policyRow: ({ word }, { text }) => ({ prompt: `How is ${word} reversed?`, completion: text }),
};

const domains = new Domains([knowledgeDomain, reversing]);
const tasks = (text: string): Word[] => text.split(' ').map((word) => ({ word }));

let campaign: RecordedCampaign;
beforeAll(async () => {
  const { evaluation } = domains.campaignSchema.parse({ name: 'r', seed: 1, model: 'm', epochs: 1, domain: 'reversing', contexts: { train: { path: 'a' }, heldOut: { path: 'b' } } });
  const spec = { domain: 'reversing', epochs: 2, proposals: { k: 3 }, evaluation, reward: { grader: 'contains' } };
  // Words of one letter: the fake model answers with one.
  campaign = await RecordedCampaign.run({ spec, other: { domains, train: tasks('a b c d'), heldOut: tasks('aa bb') } });
});
afterAll(() => campaign.stop());

test('a domain of thirty lines has a whole campaign: its report tells of its methods, tasks and answers', async () => {
  const { report, candidates } = await collectReport(new ContentAddressedStore(campaign.objects), CAMPAIGN, 'completed', 0, domains);
  expect(report.methods.map(({ name, n }) => [name, n])).toEqual([['base', 2], ['spelt', 2], ['self-edits', 2], ['spelt-step-matched', 2], ['seal-epoch-1', 2], ['seal-epoch-2', 2]]);
  expect(report.epochs.map(({ proposed, failed }) => [proposed, failed])).toEqual([[12, 0], [12, 0]]);
  expect(candidates.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)).toEqual(expect.arrayContaining(['no example']));
  expect(candidates.some(({ reward }) => reward === 1)).toBe(true);
  expect(report.examples.map(({ title }) => title).sort()).toEqual(['aa', 'bb']);
  expect(report.examples[0]?.selfEdits[0]?.answers[0]).toMatchObject({ question: report.examples[0]?.title });
});

test('its record holds together, and says so only to who has the domain', async () => {
  const result = await campaign.audit(campaign.objects);
  expect(result.breaks).toEqual([]);
  expect(result.histories).toBeGreaterThan(20);
  await expect(collectReport(new ContentAddressedStore(campaign.objects), CAMPAIGN, 'completed', 0, DOMAINS)).rejects.toThrow('domain: expected knowledge, got "reversing"');
});
