import { z } from 'zod';
import { parseBySchema, placeIn } from '../../../campaign/bad-field';
import type { CampaignSpec } from '../../../campaign/campaign-spec';
import { BadInputError } from '../../../campaign/errors';
import { contextOf, type Domain } from '../../../seal/domains/domain';
import { knowledgeDomain } from '../../../seal/domains/knowledge/domain';
import { Domains, DOMAINS } from '../../../seal/domains/registry';

interface Sum {
  readonly a: number;
  readonly b: number;
}

const sumSchema = z.object({ a: z.number(), b: z.number() });

/** Adding two numbers, with what a teacher would say as its baseline. */
const sums: Domain<Sum> = {
  name: 'sums',
  baselines: ['teacher'],
  defaultMethods: ['base', 'self-edits', 'teacher'],
  schema: sumSchema,
  load: (json) => ({ contexts: z.array(sumSchema).parse(json), leftOut: { unanswerable: 0, withoutQuestions: 0 } }),
  describe: ({ a, b }) => ({ title: `${a} + ${b}`, text: `${a} + ${b}` }),
  recordedSelfEdits: () => [],
  proposalPrompt: ({ a, b }) => ({ prompt: `How are ${a} and ${b} added?` }),
  parse: ({ text }) => ({ accepted: true, rows: [{ text }], directives: {}, notes: [] }),
  contextRows: () => [],
  baselineRows: (_baseline, { a, b }) => [{ text: `${a} + ${b} = ${a + b}` }],
  probes: ({ a, b }) => [{ prompt: `${a} + ${b} =` }],
  answers: ({ a, b }, [answer = '']) => [{ question: `${a} + ${b}`, goldAnswer: String(a + b), answer }],
  goldAnswers: ({ a, b }) => [{ question: `${a} + ${b}`, goldAnswer: String(a + b), row: { prompt: `${a} + ${b} =`, completion: String(a + b) } }],
  policyRow: () => null,
};

const both = new Domains([knowledgeDomain, sums]);

function parsed(domains: Domains, over: object): CampaignSpec {
  const document = { name: 'n', seed: 1, model: 'm', epochs: 1, contexts: { train: { path: 'a' }, heldOut: { path: 'b' } }, ...over };
  return parseBySchema(domains.campaignSchema, document, placeIn('c.yaml'));
}

test('a domain that there is not is refused by its name, in a file and in a record', () => {
  expect(() => parsed(both, { domain: 'chess' })).toThrow(new BadInputError({ where: 'c.yaml: domain', expected: 'one of knowledge, sums', got: '"chess"' }));
  expect(() => parsed(DOMAINS, { domain: 'chess' })).toThrow(new BadInputError({ where: 'c.yaml: domain', expected: 'knowledge', got: '"chess"' }));
  expect(() => both.get('chess')).toThrow(new BadInputError({ where: 'domain', expected: 'knowledge or sums', got: '"chess"' }));
});

test('a baseline that no domain has is refused with all that there are', () => {
  expect(() => parsed(DOMAINS, { evaluation: { baselines: ['base', 'passage'] } })).toThrow(
    new BadInputError({
      where: 'c.yaml: evaluation.baselines[1]',
      expected: 'one of base, self-edits, endpoint, passage-only, passage-only-step-matched, oracle, oracle-step-matched',
      got: '"passage"',
    }),
  );
});

test('baselines of a domain are accepted with that domain only', () => {
  const baselines = ['base', 'teacher', 'teacher-step-matched'];
  expect(parsed(both, { domain: 'sums', evaluation: { baselines } })).toMatchObject({ domain: 'sums', evaluation: { baselines } });
  expect(() => parsed(both, { evaluation: { baselines } })).toThrow(
    new BadInputError({
      where: 'c.yaml: evaluation.baselines[1]',
      expected: 'one of base, self-edits, endpoint, passage-only, passage-only-step-matched, oracle, oracle-step-matched, for domain: knowledge',
      got: '"teacher"',
    }),
  );
  expect(() => parsed(both, { domain: 'sums', evaluation: { baselines: ['passage-only'] } })).toThrow(
    new BadInputError({ where: 'c.yaml: evaluation.baselines[0]', expected: 'one of base, self-edits, endpoint, teacher, teacher-step-matched, for domain: sums', got: '"passage-only"' }),
  );
});

test('a campaign that says nothing of domain and baselines is one of knowledge, with its defaults', () => {
  expect(parsed(both, {})).toMatchObject({ domain: 'knowledge', evaluation: { baselines: ['base', 'passage-only', 'passage-only-step-matched', 'self-edits'] } });
  expect(parsed(both, {})).toEqual(parsed(DOMAINS, {}));
});

test('a task of any domain has the id of its title and text', () => {
  const { id, ...rest } = contextOf(both.get('sums'), { a: 1, b: 2 });
  expect(id).toMatch(/^[0-9a-f]{8}$/);
  expect(rest).toEqual({ title: '1 + 2', text: '1 + 2', task: { a: 1, b: 2 } });
});
